//! What is asked of a node by HTTP: accounts, the conversation list with its counts, and what moderators see.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidings_protocol::Position;
use tidings_stand::{Account, Answer, Api, Node};
use uuid::Uuid;

use crate::fold::{FIELDS as MESSAGE, Told};
use crate::own::{FIELDS, Standing};

const PAGE: &str = "pageInfo { hasNextPage endCursor }";
const TOTALS: &str = "{ unreadTotal mentionTotal }";
const ADMIN: &str = "{ admin { reports(first: 1) { nodes { id } } } }";
const REPORT: &str = "conversation message reason note versions state withheld \
     sender { id } reporter { id } handledBy { id } evidence { text }";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: Uuid,
    /// What they sign in with.
    pub(crate) name: String,
    pub(crate) token: Arc<str>,
    account: Account,
}

/// A conversation in somebody's list.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) id: Uuid,
    pub(crate) last_seq: u64,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// What somebody has not read in all conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) unread_total: u64,
    pub(crate) mention_total: u64,
}

/// A report as moderators see it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reported {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
    pub(crate) reason: String,
    pub(crate) note: Option<String>,
    /// Of how many versions whoever took the report knew.
    pub(crate) versions: usize,
    pub(crate) state: String,
    pub(crate) withheld: bool,
    pub(crate) sender: Named,
    pub(crate) reporter: Named,
    /// Who has done something about it last.
    #[serde(rename = "handledBy")]
    pub(crate) handled_by: Option<Named>,
    /// What the message had said by then.
    pub(crate) evidence: Vec<Version>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: Uuid,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) text: Option<String>,
}

impl Person {
    /// Makes an account at a node.
    pub(crate) async fn register(node: &Node, username: &str) -> Result<Self> {
        let account = Api::new(&node.url())?.register(username).await?;
        Ok(Self {
            user: account.user,
            name: username.to_owned(),
            token: Arc::clone(&account.first_token),
            account,
        })
    }

    /// The person's conversations, as the read models of that node have them.
    pub(crate) async fn conversations(&self) -> Result<Vec<Listed>> {
        let query = format!(
            "query($after: String) {{ conversations(first: 100, after: $after) {{ nodes {{ id lastSeq {FIELDS} }} {PAGE} }} }}"
        );
        let listed = self.all(&query, json!({}), "/conversations").await?;
        listed.into_iter().map(read).collect()
    }

    /// What they have not read in all of them.
    pub(crate) async fn totals(&self) -> Result<Totals> {
        read(self.account.query(TOTALS, &Value::Null, None).await?)
    }

    /// The messages of one of them, with those in these threads.
    pub(crate) async fn messages(
        &self,
        conversation: Uuid,
        threads: impl Iterator<Item = Uuid>,
    ) -> Result<BTreeMap<Uuid, Told>> {
        let list = format!("(first: 100, after: $after) {{ nodes {{ {MESSAGE} }} {PAGE} }}");
        let main =
            format!("query($id: ID!, $after: String) {{ conversation(id: $id) {{ messages{list} }} }}");
        let thread = format!(
            "query($id: ID!, $root: ID!, $after: String) {{ conversation(id: $id) {{ thread(root: $root) {{ replies{list} }} }} }}"
        );
        let variables = json!({ "id": conversation });
        let mut nodes = self.all(&main, variables, "/conversation/messages").await?;
        for root in threads {
            let variables = json!({ "id": conversation, "root": root });
            nodes.extend(
                self.all(&thread, variables, "/conversation/thread/replies")
                    .await?,
            );
        }
        let messages = nodes.into_iter().map(|node| {
            let node: MessageNode = read(node)?;
            Ok((node.id, node.told))
        });
        messages.collect()
    }

    /// Whether they are shown anything of what only those see who have a role.
    pub(crate) async fn is_overseer(&self) -> Result<bool> {
        let told = self.account.query(ADMIN, &Value::Null, None).await?;
        Ok(told.get("admin").is_some_and(|admin| !admin.is_null()))
    }

    /// Takes a new token, which says whether they are moderators.
    pub(crate) async fn renew(&self) -> Result<()> {
        self.account.renew().await
    }

    /// Asks a node once. An error leaves open what has come of it.
    pub(crate) async fn ask_once(
        &self,
        node: &Api,
        text: &str,
        variables: &Value,
        after: Option<Position>,
    ) -> Result<Answer> {
        self.account.ask_once(node, text, variables, after).await
    }

    /// What was reported, as they see it who are moderators since their last token; it is looked at with that.
    pub(crate) async fn reports(&self) -> Result<Vec<Reported>> {
        self.renew().await?;
        let query = format!(
            "query($after: String) {{ admin {{ reports(first: 20, after: $after) {{ nodes {{ {REPORT} }} {PAGE} }} }} }}"
        );
        let reports = self.all(&query, json!({}), "/admin/reports").await?;
        reports.into_iter().map(read).collect()
    }

    async fn all(&self, query: &str, variables: Value, list: &str) -> Result<Vec<Value>> {
        self.account.query_all(query, variables, list, None).await
    }
}

fn read<T: DeserializeOwned>(node: Value) -> Result<T> {
    serde_json::from_value(node).context("something of another shape")
}

#[derive(Deserialize)]
struct MessageNode {
    id: Uuid,
    #[serde(flatten)]
    told: Told,
}
