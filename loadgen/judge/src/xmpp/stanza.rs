//! What the adapter says and understands: the stanzas of XMPP and of the extensions that it uses.

use uuid::Uuid;

use super::xml::Element;

pub(super) const CLIENT: &str = "jabber:client";
pub(super) const STREAMS: &str = "http://etherx.jabber.org/streams";
pub(super) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// XEP-0198, stream management.
pub(super) const MANAGEMENT: &str = "urn:xmpp:sm:3";

const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// XEP-0077, in-band registration.
const REGISTER: &str = "jabber:iq:register";
/// XEP-0045, rooms.
const MUC: &str = "http://jabber.org/protocol/muc";
const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
pub(super) const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
/// XEP-0313, archives, with pages by XEP-0059.
pub(super) const ARCHIVE: &str = "urn:xmpp:mam:2";
const PAGES: &str = "http://jabber.org/protocol/rsm";
const FORWARD: &str = "urn:xmpp:forward:0";
/// XEP-0004.
pub(super) const FORM: &str = "jabber:x:data";
/// XEP-0359, unique ids.
const IDS: &str = "urn:xmpp:sid:0";

/// Messages of one page of an archive.
const PAGE: &str = "100";

fn element(name: &str) -> Element {
    Element::new(name, CLIENT)
}

pub(super) fn iq(kind: &str, id: &str, to: Option<&str>, payload: Element) -> Element {
    let iq = element("iq").with("type", kind).with("id", id);
    let iq = match to {
        Some(to) => iq.with("to", to),
        None => iq,
    };
    iq.child(payload)
}

pub(super) fn register(username: &str, password: &str) -> Element {
    Element::new("query", REGISTER)
        .child(Element::new("username", REGISTER).text(username))
        .child(Element::new("password", REGISTER).text(password))
}

pub(super) fn bind(resource: &str) -> Element {
    Element::new("bind", BIND).child(Element::new("resource", BIND).text(resource))
}

/// Enters a room without its history, which comes from the archive.
pub(super) fn join(room: &str, nick: &str) -> Element {
    let history = Element::new("history", MUC).with("maxstanzas", "0");
    element("presence")
        .with("to", &format!("{room}/{nick}"))
        .child(Element::new("x", MUC).child(history))
}

pub(super) fn presence() -> Element {
    element("presence")
}

pub(super) fn unavailable() -> Element {
    element("presence").with("type", "unavailable")
}

/// Whether a presence is the receiver's own in a room.
pub(super) fn is_own_presence(presence: &Element) -> bool {
    let statuses = presence.get("x", MUC_USER).map(|x| &x.children);
    let mut statuses = statuses.into_iter().flatten();
    statuses.any(|status| status.is("status", MUC_USER) && status.attribute("code") == Some("110"))
}

pub(super) fn members(jids: &[&str]) -> Element {
    jids.iter().fold(Element::new("query", MUC_ADMIN), |query, jid| {
        let item = Element::new("item", MUC_ADMIN)
            .with("affiliation", "member")
            .with("jid", jid);
        query.child(item)
    })
}

/// The answer to a room's form: it lasts, is for members only, and is archived. `offered` is the form.
pub(super) fn room_settings(offered: &Element) -> Element {
    const WANTED: [&str; 5] = [
        "muc#roomconfig_persistentroom",
        "muc#roomconfig_membersonly",
        // Each kind of server has a name of its own for this one.
        "mam",
        "muc#roomconfig_mam",
        "muc#roomconfig_enablearchiving",
    ];
    let offers = |name: &&&str| {
        let mut fields = offered.children.iter();
        fields.any(|field| field.is("field", FORM) && field.attribute("var") == Some(**name))
    };
    let fields = WANTED.iter().filter(offers).map(|name| (*name, "1"));
    let form = form("http://jabber.org/protocol/muc#roomconfig", fields);
    Element::new("query", MUC_OWNER).child(form)
}

fn form<'a>(kind: &'a str, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Element {
    let form = Element::new("x", FORM).with("type", "submit");
    let fields = std::iter::once(("FORM_TYPE", kind)).chain(fields);
    fields.fold(form, |form, (name, value)| {
        let field = Element::new("field", FORM).with("var", name);
        form.child(field.child(Element::new("value", FORM).text(value)))
    })
}

/// Asks an archive for what came after a message, or from the beginning; of one contact only, or all.
pub(super) fn archive_query(id: &str, with: Option<&str>, after: Option<&str>) -> Element {
    let form = form(ARCHIVE, with.map(|with| ("with", with)).into_iter());
    let page = Element::new("set", PAGES).child(Element::new("max", PAGES).text(PAGE));
    let page = match after {
        Some(after) => page.child(Element::new("after", PAGES).text(after)),
        None => page,
    };
    Element::new("query", ARCHIVE)
        .with("queryid", id)
        .child(form)
        .child(page)
}

/// The end of a page of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageEnd {
    /// Whether nothing follows.
    pub(super) complete: bool,
    /// The archive's id of the last message of the page.
    pub(super) last: Option<String>,
}

/// Reads the answer to [`archive_query`].
pub(super) fn page_end(iq: &Element) -> Option<PageEnd> {
    let end = iq.get("fin", ARCHIVE)?;
    let last = end.get("set", PAGES).and_then(|page| page.get("last", PAGES));
    Some(PageEnd {
        complete: end.attribute("complete") == Some("true"),
        last: last.map(|last| last.text.clone()),
    })
}

/// A message out of an archive, and the query that it answers.
pub(super) fn archived(outer: &Element) -> Option<(&str, Message)> {
    let result = outer.get("result", ARCHIVE)?;
    let forwarded = result.get("forwarded", FORWARD)?.get("message", CLIENT)?;
    let message = Message {
        archived_as: Some(result.attribute("id")?.to_owned()),
        ..Message::read(forwarded, "")?
    };
    Some((result.attribute("queryid")?, message))
}

/// A message that has a text and an id of the workload's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) from: String,
    pub(super) id: Uuid,
    pub(super) text: String,
    /// The id that the archive of its conversation has given it.
    pub(super) archived_as: Option<String>,
}

impl Message {
    /// A message to a room or a contact.
    pub(super) fn write(to: &str, kind: &str, id: Uuid, text: &str) -> Element {
        let id = id.to_string();
        element("message")
            .with("to", to)
            .with("type", kind)
            .with("id", &id)
            .child(element("body").text(text))
            .child(Element::new("origin-id", IDS).with("id", &id))
    }

    /// Reads a message that stands in the archive of `archive`.
    pub(super) fn read(message: &Element, archive: &str) -> Option<Self> {
        let body = message.get("body", CLIENT)?;
        let origin = message.get("origin-id", IDS);
        let id = origin.and_then(|origin| origin.attribute("id"));
        let mut ids = message.children.iter();
        let stored = ids.find(|child| child.is("stanza-id", IDS) && child.attribute("by") == Some(archive));
        Some(Self {
            from: message.attribute("from")?.to_owned(),
            id: id.or_else(|| message.attribute("id"))?.parse().ok()?,
            text: body.text.clone(),
            archived_as: stored.and_then(|id| id.attribute("id")).map(str::to_owned),
        })
    }
}

/// Whether a message comes out of a store (XEP-0203) and not from its sender just now.
pub(super) fn is_delayed(message: &Element) -> bool {
    message.get("delay", "urn:xmpp:delay").is_some()
}

/// The condition that an error names, such as `service-unavailable`.
pub(super) fn condition(stanza: &Element) -> String {
    let error = stanza.children.iter().find(|child| child.name == "error");
    let conditions = error.map(|error| &error.children);
    let found = conditions
        .into_iter()
        .flatten()
        .find(|child| child.namespace == STANZA_ERRORS && child.name != "text");
    found
        .map_or("undefined-condition", |found| &found.name)
        .to_owned()
}

/// Answers a request that the adapter knows nothing about, a ping among them.
pub(super) fn answer(request: &Element) -> Element {
    let is_ping = request.get("ping", "urn:xmpp:ping").is_some();
    let answer = element("iq").with("type", if is_ping { "result" } else { "error" });
    let answer = ["id", "from"].iter().fold(answer, |answer, name| {
        let target = if *name == "from" { "to" } else { name };
        match request.attribute(name) {
            Some(value) => answer.with(target, value),
            None => answer,
        }
    });
    if is_ping {
        return answer;
    }
    let condition = Element::new("service-unavailable", STANZA_ERRORS);
    answer.child(element("error").with("type", "cancel").child(condition))
}

/// `user@domain` of `user@domain/resource`.
pub(super) fn bare(jid: &str) -> &str {
    jid.split_once('/').map_or(jid, |(bare, _)| bare)
}

/// What stands behind the slash: a resource, or the nick of a room's occupant.
pub(super) fn resource(jid: &str) -> &str {
    jid.split_once('/').map_or("", |(_, resource)| resource)
}

#[cfg(test)]
mod tests {
    use super::super::xml::{Piece, Pieces};
    use super::*;

    /// What the stream of a server would bring.
    fn read(text: &str) -> Element {
        let mut pieces = Pieces::default();
        let opening = format!("<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>");
        pieces.buffer().extend_from_slice(opening.as_bytes());
        pieces.buffer().extend_from_slice(text.as_bytes());
        assert_eq!(pieces.next().unwrap(), Some(Piece::Opened));
        match pieces.next().unwrap() {
            Some(Piece::Element(element)) => element,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_room_reflects_a_message_with_the_id_of_its_archive() {
        let id = Uuid::from_u128(7);
        let stanza = read(&format!(
            "<message from='room@rooms/ann' to='bob@d/x' type='groupchat' id='other'><body>1 &lt; 2</body>\
             <origin-id xmlns='urn:xmpp:sid:0' id='{id}'/>\
             <stanza-id xmlns='urn:xmpp:sid:0' by='bob@d' id='8'/>\
             <stanza-id xmlns='urn:xmpp:sid:0' by='room@rooms' id='9'/></message>"
        ));
        let message = Message::read(&stanza, "room@rooms").unwrap();
        assert_eq!((message.id, message.text.as_str()), (id, "1 < 2"));
        assert_eq!(message.archived_as.as_deref(), Some("9"));
        assert_eq!(
            (bare(&message.from), resource(&message.from)),
            ("room@rooms", "ann")
        );
        assert!(!is_delayed(&stanza));
        assert_eq!(Message::read(&stanza, "elsewhere").unwrap().archived_as, None);
    }

    #[test]
    fn what_is_no_message_of_the_workload_is_passed_over() {
        for text in [
            "<message from='a@b'><subject/></message>",
            "<message from='a@b' id='no-uuid'><body>x</body></message>",
            "<message id='00000000-0000-0000-0000-000000000007'><body>x</body></message>",
        ] {
            assert_eq!(Message::read(&read(text), "a@b"), None, "{text}");
        }
    }

    #[test]
    fn a_message_out_of_a_store_says_so() {
        let delay = "<delay xmlns='urn:xmpp:delay' from='d' stamp='2026-01-01T00:00:00Z'/>";
        let stanza = read(&format!("<message from='a@b'>{delay}<body>x</body></message>"));
        assert!(is_delayed(&stanza));
    }

    #[test]
    fn a_page_of_an_archive_is_read() {
        let id = Uuid::from_u128(7);
        let outer = read(&format!(
            "<message to='bob@d/x'><result xmlns='urn:xmpp:mam:2' id='28' queryid='q1'>\
             <forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>\
             <message xmlns='jabber:client' from='ann@d/y' id='{id}'><body>hi</body></message></forwarded></result></message>"
        ));
        let (query, message) = archived(&outer).unwrap();
        assert_eq!(
            (query, message.id, message.archived_as.as_deref()),
            ("q1", id, Some("28"))
        );
        let end = read(
            "<iq type='result' id='q1'><fin xmlns='urn:xmpp:mam:2' complete='true'>\
             <set xmlns='http://jabber.org/protocol/rsm'><first>27</first><last>28</last><count>9</count></set></fin></iq>",
        );
        assert_eq!(
            page_end(&end),
            Some(PageEnd {
                complete: true,
                last: Some("28".to_owned())
            })
        );
        assert_eq!(page_end(&read("<iq type='result' id='q1'/>")), None);
    }

    #[test]
    fn a_query_names_its_contact_and_its_place() {
        let mut text = String::new();
        archive_query("q1", Some("ann@d"), Some("28")).write(CLIENT, &mut text);
        assert_eq!(
            text,
            "<query xmlns='urn:xmpp:mam:2' queryid='q1'><x xmlns='jabber:x:data' type='submit'>\
             <field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>\
             <field var='with'><value>ann@d</value></field></x>\
             <set xmlns='http://jabber.org/protocol/rsm'><max>100</max><after>28</after></set></query>"
        );
    }

    #[test]
    fn a_room_is_asked_for_what_its_form_offers() {
        let offered = read(
            "<x xmlns='jabber:x:data' type='form'><field var='muc#roomconfig_membersonly'/><field var='mam'/>\
             <field var='something'/></x>",
        );
        let mut text = String::new();
        room_settings(&offered).write(CLIENT, &mut text);
        assert!(
            text.contains("var='muc#roomconfig_membersonly'><value>1<")
                && text.contains("var='mam'><value>1<")
        );
        assert!(!text.contains("persistent") && !text.contains("something"));
    }

    #[test]
    fn errors_own_presences_and_pings_are_understood() {
        let error = read(
            "<message type='error'><error type='cancel'>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text>\
             <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        );
        assert_eq!(condition(&error), "not-acceptable");
        let x = "<x xmlns='http://jabber.org/protocol/muc#user'>";
        assert!(is_own_presence(&read(&format!(
            "<presence>{x}<item/><status code='110'/></x></presence>"
        ))));
        assert!(!is_own_presence(&read(&format!(
            "<presence>{x}<item/></x></presence>"
        ))));
        let ping = read("<iq type='get' id='1' from='d'><ping xmlns='urn:xmpp:ping'/></iq>");
        assert_eq!(answer(&ping).attribute("type"), Some("result"));
        let other = read("<iq type='get' id='1' from='d'><query xmlns='urn:q'/></iq>");
        assert_eq!(answer(&other).attribute("type"), Some("error"));
        assert_eq!(answer(&other).attribute("to"), Some("d"));
    }
}
