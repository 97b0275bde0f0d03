//! The archive of one conversation as one client follows it: first its pages, then what comes live, without a hole or a
//! repeat at the seam.

use std::collections::HashSet;

use super::stanza::{Message, PageEnd};

/// Whether a client has come to the end of the pages. It must be made before live messages can come.
#[derive(Debug)]
pub(super) struct Archive {
    /// While pages are being read.
    catching_up: Option<CatchUp>,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            catching_up: Some(CatchUp::default()),
        }
    }
}

#[derive(Debug, Default)]
struct CatchUp {
    /// What came live meanwhile.
    held: Vec<Message>,
    /// The archive's ids of all that came in pages.
    paged: HashSet<String>,
}

/// What to do at the end of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Ask for the page after this message.
    Ask(Option<String>),
    /// The pages have ended; these came live meanwhile.
    GiveOut(Vec<Message>),
}

impl Archive {
    pub(super) fn is_caught_up(&self) -> bool {
        self.catching_up.is_none()
    }

    /// Takes a live message; gives it back when it is its turn.
    pub(super) fn live(&mut self, message: Message) -> Option<Message> {
        match &mut self.catching_up {
            Some(catch_up) => {
                catch_up.held.push(message);
                None
            }
            None => Some(message),
        }
    }

    /// Takes a message of a page.
    pub(super) fn paged(&mut self, message: &Message) {
        if let (Some(catch_up), Some(id)) = (&mut self.catching_up, &message.archived_as) {
            catch_up.paged.insert(id.clone());
        }
    }

    pub(super) fn page_ended(&mut self, end: PageEnd) -> Then {
        if !end.complete && end.last.is_some() {
            return Then::Ask(end.last);
        }
        let CatchUp { mut held, paged } = self.catching_up.take().unwrap_or_default();
        held.retain(|message| !message.archived_as.as_ref().is_some_and(|id| paged.contains(id)));
        Then::GiveOut(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn message(archived_as: &str) -> Message {
        Message {
            from: "a@b".to_owned(),
            id: Uuid::nil(),
            text: String::new(),
            archived_as: Some(archived_as.to_owned()),
        }
    }

    fn end(complete: bool, last: Option<&str>) -> PageEnd {
        PageEnd {
            complete,
            last: last.map(str::to_owned),
        }
    }

    #[test]
    fn what_comes_live_and_in_a_page_is_given_out_once() {
        let mut archive = Archive::default();
        assert_eq!(archive.live(message("7")), None);
        assert_eq!(archive.live(message("8")), None);
        for id in ["6", "7"] {
            archive.paged(&message(id));
        }
        assert!(!archive.is_caught_up());
        let then = archive.page_ended(end(true, Some("7")));
        assert_eq!(then, Then::GiveOut(vec![message("8")]));
        assert_eq!(archive.live(message("9")), Some(message("9")));
    }

    #[test]
    fn pages_go_on_to_the_last() {
        let mut archive = Archive::default();
        assert_eq!(
            archive.page_ended(end(false, Some("2"))),
            Then::Ask(Some("2".to_owned()))
        );
        assert_eq!(archive.page_ended(end(true, None)), Then::GiveOut(vec![]));
        assert!(archive.is_caught_up());
    }
}
