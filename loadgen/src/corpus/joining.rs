//! People ask to be let into the group, and are or are not. Those who may say so are shown who waits, and nobody else is.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_protocol::{Ack, Action, ErrorCode, GroupSettings, Join, Position};
use tidings_scribe::said::Said;
use tidings_stand::Account;
use uuid::Uuid;

use super::{
    people::{People, Run},
    schedule::OWNER,
    shared::Shared,
    shut::Refusal,
};

/// How long whoever was refused does not ask again.
const REFUSED: Duration = Duration::from_hours(24);

const REQUESTS: &str = "query($id: ID!) { conversation(id: $id) { joinRequests(first: 200) \
    { nodes { user { id } } pageInfo { hasNextPage } } } }";

const LAST: &str = "query($id: ID!) { conversation(id: $id) { lastSeq } }";

impl People {
    /// Has the group want to be asked from here on, and these people ask: half of them are let in, and the others refused and added. An ordinary
    /// member has no say in it.
    pub(super) async fn let_in_who_ask(&mut self, asking: &[usize], member: Option<usize>) -> Result<()> {
        let conversation = self.group()?;
        if let Some(stranger) = asking.first() {
            // Of a group that does not want to be asked, they are told no more than of none.
            let none = Refusal::new(ErrorCode::NotAMember, None);
            self.try_in_vain(*stranger, self.request(*stranger)?, none)
                .await?;
        }
        let settings = GroupSettings {
            join: Some(Join::Request),
            ..GroupSettings::default()
        };
        let set = Action::GroupSettings {
            conversation,
            settings,
        };
        self.act(OWNER, set).await.context("the group was not set")?;
        for person in asking {
            self.knock(*person).await?;
        }
        self.show_who_waits(member).await?;
        for (number, person) in asking.iter().enumerate() {
            let user = self.user(*person);
            let approve = Action::GroupApprove { conversation, user };
            if let Some(member) = member {
                let forbidden = Refusal::new(ErrorCode::Forbidden, None);
                self.try_to(member, approve.clone(), forbidden).await?;
            }
            if number.is_multiple_of(2) {
                self.answer(*person, true).await?;
                let is_in = Refusal::new(ErrorCode::Conflict, None);
                self.try_in_vain(*person, self.request(*person)?, is_in).await?;
            } else {
                self.turn_away(*person).await?;
            }
            // Nobody asks any more.
            let gone = Refusal::new(ErrorCode::NotFound, Some("user"));
            self.try_to(OWNER, approve, gone).await?;
            if !number.is_multiple_of(2) {
                let add = Action::GroupAdd { conversation, user };
                self.act(OWNER, add).await.context("a member was not added")?;
            }
        }
        self.show_who_waits(member).await
    }

    /// Somebody asks to be let in, twice, which is once. Answers whether they wait now: who was refused before is told so, and when they may ask.
    pub(super) async fn knock(&mut self, person: usize) -> Result<bool> {
        let request = self.request(person)?;
        if self.turned_away.contains(&person) {
            let too_soon = Refusal::new(ErrorCode::RateLimited, Some("conversation")).lasting(REFUSED);
            self.try_in_vain(person, request, too_soon).await?;
            return Ok(false);
        }
        let again = request.action.clone();
        let first = self.make(person, request).await;
        let first = first.context("somebody could not ask to be let in")?;
        is_pending(&first)?;
        self.reach(first.position).await?;
        // It leaves nothing in the log.
        is_pending(&self.want(person, again).await?.await??)?;
        self.shared.did("asked");
        self.asking.insert(person);
        Ok(true)
    }

    /// What the group has by now: whoever asks is told no seq.
    async fn reach(&self, asked: Position) -> Result<()> {
        let group = self.group()?;
        let variables = json!({ "id": group });
        let told = self.account(OWNER).query(LAST, &variables, Some(asked)).await?;
        let seq = told.pointer("/conversation/lastSeq").and_then(Value::as_u64);
        self.shared.reached(group, seq.context("no last seq")?);
        Ok(())
    }

    /// Somebody asks, unless they do already, and is refused; then they need not ask again for a while.
    pub(super) async fn turn_away(&mut self, person: usize) -> Result<()> {
        if self.asking.contains(&person) || self.knock(person).await? {
            self.answer(person, false).await?;
            self.knock(person).await?;
        }
        Ok(())
    }

    /// What a banned person is told who asks.
    pub(super) async fn knock_in_vain(&self, banned: usize) -> Result<()> {
        let forbidden = Refusal::new(ErrorCode::Forbidden, None);
        self.try_in_vain(banned, self.request(banned)?, forbidden).await
    }

    /// The owner answers somebody who asks.
    async fn answer(&mut self, person: usize, lets_in: bool) -> Result<()> {
        let (conversation, user) = (self.group()?, self.user(person));
        let action = if lets_in {
            Action::GroupApprove { conversation, user }
        } else {
            Action::GroupRefuse { conversation, user }
        };
        let answered = self.act(OWNER, action).await;
        answered.context("who asked to be let in was not answered")?;
        self.asking.remove(&person);
        if lets_in {
            self.shared.did("approved");
        } else {
            self.shared.did("turned away");
            self.turned_away.insert(person);
        }
        Ok(())
    }

    fn request(&self, person: usize) -> Result<Said> {
        let conversation = self.group()?;
        let join = Action::GroupJoin {
            conversation: Some(conversation),
            secret: None,
        };
        Said::change(self.user(person), conversation, join).context("no change of a conversation")
    }

    /// Tries to change the group.
    async fn try_to(&self, person: usize, action: Action, refusal: Refusal) -> Result<()> {
        let said = Said::change(self.user(person), self.group()?, action);
        self.try_in_vain(person, said.context("no change of a conversation")?, refusal)
            .await
    }

    /// Makes sure that the owner is shown who waits now, and an ordinary member is not.
    async fn show_who_waits(&self, member: Option<usize>) -> Result<()> {
        let group = self.group()?;
        let due = self.asking.iter().map(|person| self.user(*person)).collect();
        let member = member.map(|member| self.account(member));
        compare(
            group,
            self.account(OWNER),
            member,
            &due,
            self.shared.position(group),
        )
        .await
    }
}

/// Whether an ack says that an answer is still to come, and nothing of the group.
fn is_pending(ack: &Ack) -> Result<()> {
    let data = ack.data.as_ref();
    let pending = data.and_then(|data| data.get("pending"));
    ensure!(
        pending == Some(&Value::Bool(true)) && ack.seq == 0,
        "somebody asks to be let in, and is answered {ack:?}"
    );
    Ok(())
}

/// Compares what people are shown of those who wait in the end.
pub(crate) async fn look(run: &Run, shared: &Shared) -> Result<()> {
    let group = run.conversations.first().context("no group")?;
    let account = |person: usize| &run.people[person].account;
    let member = group.ordinary().map(account);
    let due = run.asking.iter().map(|person| account(*person).user).collect();
    compare(group.id, account(OWNER), member, &due, shared.position(group.id)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Request>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

#[derive(Deserialize)]
struct Request {
    user: Named,
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

async fn compare(
    group: Uuid,
    owner: &Account,
    member: Option<&Account>,
    due: &BTreeSet<Uuid>,
    after: Option<Position>,
) -> Result<()> {
    let told = who_waits(owner, group, after).await?;
    ensure!(
        told.as_ref() == Some(due),
        "the owner is told that {told:?} ask to be let in; it should be {due:?}"
    );
    if let Some(member) = member {
        let told = who_waits(member, group, after).await?;
        let user = member.user;
        ensure!(
            told.is_none(),
            "{user}, who has no say in it, is told that {told:?} ask to be let in"
        );
    }
    Ok(())
}

/// Who asks to be let into a group, in the order of their ids; none where that is not to be known.
async fn who_waits(
    account: &Account,
    group: Uuid,
    after: Option<Position>,
) -> Result<Option<BTreeSet<Uuid>>> {
    let told = account.query(REQUESTS, &json!({ "id": group }), after).await?;
    let list = told.pointer("/conversation/joinRequests").cloned();
    let page: Option<Page> = serde_json::from_value(list.context("no list of those who ask")?)?;
    let Some(Page { nodes, page_info }) = page else {
        return Ok(None);
    };
    ensure!(
        !page_info.has_next_page,
        "more people ask to be let in than there are"
    );
    let users: Vec<Uuid> = nodes.iter().map(|request| request.user.id).collect();
    ensure!(
        users.is_sorted(),
        "those who ask to be let in are not in order: {users:?}"
    );
    Ok(Some(users.into_iter().collect()))
}
