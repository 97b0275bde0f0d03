//! People come into a group of themselves: by a link until it is used up, by none that was revoked, and by asking where the group wants to
//! be asked.

use tidings_protocol::{Ack, Action, ErrorCode, GroupSettings, Join};
use uuid::Uuid;

use super::{Company, Player};
use crate::said::Said;

impl Company {
    pub(super) async fn links(&mut self) {
        let members = vec![self.friends[1].user];
        let Some(conversation) = self.group(members).await else {
            return;
        };
        let Self {
            host,
            friends: [newcomer, _],
            guests: [other, asks, unwanted],
            ..
        } = self;
        host.text(conversation, "before").await;
        if let Some(link) = made(host, conversation, Some(2)).await {
            let mut came = 0;
            for player in [newcomer, other] {
                let joining = Said::join(player.user, conversation, link.0, link.1.clone());
                came += usize::from(player.say(Some(joining)).await.is_some());
                player.text(conversation, "good to be here").await;
            }
            if came == 2 {
                let late = Said::join(asks.user, conversation, link.0, link.1);
                asks.say_in_vain(Some(late), ErrorCode::NotFound).await;
            }
        }
        if let Some(link) = made(host, conversation, None).await {
            let revoke = Action::GroupLinkRevoke {
                conversation,
                link: link.0,
            };
            if host.change(conversation, revoke).await.is_some() {
                let late = Said::join(asks.user, conversation, link.0, link.1);
                asks.say_in_vain(Some(late), ErrorCode::NotFound).await;
            }
        }
        let settings = GroupSettings {
            join: Some(Join::Request),
            ..GroupSettings::default()
        };
        host.change(
            conversation,
            Action::GroupSettings {
                conversation,
                settings,
            },
        )
        .await;
        let ask = Action::GroupJoin {
            conversation: Some(conversation),
            secret: None,
        };
        asks.change(conversation, ask.clone()).await;
        unwanted.change(conversation, ask).await;
        let user = asks.user;
        host.change(conversation, Action::GroupApprove { conversation, user })
            .await;
        let user = unwanted.user;
        if host
            .change(conversation, Action::GroupRefuse { conversation, user })
            .await
            .is_some()
        {
            let text = Said::text(conversation, "let me in".to_owned());
            unwanted.say_in_vain(Some(text), ErrorCode::NotAMember).await;
        }
        asks.text(conversation, "thank you").await;
    }
}

/// A link of the host's and its secret, which nobody else is told.
async fn made(host: &mut Player, conversation: Uuid, uses: Option<u32>) -> Option<(Uuid, String)> {
    let create = Action::GroupLinkCreate {
        conversation,
        expires_in_s: None,
        uses,
    };
    let ack = host.change(conversation, create).await?;
    let link = told(&ack);
    if link.is_none() {
        host.chorus
            .problems
            .push(format!("who made a link was not told its secret: {ack:?}"));
    }
    link
}

fn told(ack: &Ack) -> Option<(Uuid, String)> {
    let data = ack.data.as_ref()?;
    let link = data.get("link")?.as_str()?.parse().ok()?;
    Some((link, data.get("secret")?.as_str()?.to_owned()))
}
