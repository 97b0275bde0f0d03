//! People are asked into a group: one comes and is a newcomer, one does not, and one is asked no more before they answer.

use tidings_protocol::{Action, ErrorCode};

use super::Company;
use crate::said::Said;

impl Company {
    pub(super) async fn invitations(&mut self) {
        let members = vec![self.friends[1].user];
        let Some(conversation) = self.group(members).await else {
            return;
        };
        let Self {
            host,
            friends: [newcomer, _],
            guests: [unwilling, forgotten, _],
            ..
        } = self;
        host.text(conversation, "before").await;
        for user in [newcomer.user, unwilling.user, forgotten.user] {
            host.change(conversation, Action::GroupInvite { conversation, user })
                .await;
        }
        let accept = Action::GroupAccept { conversation };
        newcomer.change(conversation, accept.clone()).await;
        unwilling
            .change(conversation, Action::GroupDecline { conversation })
            .await;
        let user = forgotten.user;
        let withdraw = Action::GroupWithdraw { conversation, user };
        if host.change(conversation, withdraw).await.is_some() {
            let late = Said::change(user, conversation, accept);
            forgotten.say_in_vain(late, ErrorCode::NotAMember).await;
        }
        host.text(conversation, "with them").await;
        newcomer.text(conversation, "good to be here").await;
    }
}
