//! A group keeps order: one is muted for a while, one is banned and let in again later, one is put out, and the group is handed on.

use tidings_protocol::{Action, ErrorCode};

use super::Company;
use crate::said::Said;

impl Company {
    pub(super) async fn bans(&mut self) {
        let [banned, removed] = self.friends.each_ref().map(|friend| friend.user);
        let [quiet, heir, _] = self.guests.each_ref().map(|guest| guest.user);
        let Some(conversation) = self.group(vec![banned, removed, quiet, heir]).await else {
            return;
        };
        let Self {
            host,
            guests: [muted, owner, _],
            ..
        } = self;
        host.text(conversation, "before").await;
        let mute = |on| Action::GroupMute {
            conversation,
            user: quiet,
            on,
            until: None,
        };
        if host.change(conversation, mute(true)).await.is_some() {
            let late = Said::text(conversation, "but".to_owned());
            let is_over = muted.say_in_vain(Some(late), ErrorCode::Forbidden).await;
            if is_over && host.change(conversation, mute(false)).await.is_some() {
                muted.text(conversation, "sorry").await;
            }
        }
        let user = banned;
        let ban = Action::GroupBan {
            conversation,
            user,
            until: None,
            reason: Some("too loud".to_owned()),
        };
        let add = Action::GroupAdd { conversation, user };
        if host.change(conversation, ban).await.is_some() {
            host.text(conversation, "without them").await;
            let too_soon = Said::change(host.user, conversation, add.clone());
            let is_over = host.say_in_vain(too_soon, ErrorCode::Forbidden).await;
            let unban = Action::GroupUnban { conversation, user };
            if is_over && host.change(conversation, unban).await.is_some() {
                host.change(conversation, add).await;
                host.text(conversation, "with them").await;
            }
        }
        let user = removed;
        host.change(conversation, Action::GroupRemove { conversation, user })
            .await;
        host.text(conversation, "without the other").await;
        let user = heir;
        let transfer = Action::GroupTransfer { conversation, user };
        if host.change(conversation, transfer).await.is_some() {
            owner.text(conversation, "thank you").await;
        }
    }
}
