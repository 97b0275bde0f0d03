//! Two people get to know each other, and one does not want to hear of the other for a while. Nobody else is concerned.

use tidings_protocol::{Action, Audience, ErrorCode, Profile, Settings};
use uuid::Uuid;

use super::Company;
use crate::said::Said;

impl Company {
    pub(super) async fn contacts(&mut self) {
        let [ann, ben, _] = &mut self.guests;
        let (anns, bens) = (ann.user, ben.user);
        let profile = Profile {
            about: Some("here for a while".to_owned()),
            ..Profile::default()
        };
        ann.for_oneself(Action::ProfileUpdate(profile)).await;
        let settings = Settings {
            last_seen: Some(Audience::Nobody),
            ..Settings::default()
        };
        ben.for_oneself(Action::SettingsUpdate(settings)).await;
        // One asks, is not taken, and asks no more.
        let text = Some("good morning".to_owned());
        ann.want(Action::ContactRequest { user: bens, text }).await;
        ben.want(Action::ContactDecline { user: anns }).await;
        ann.want(Action::ContactWithdraw { user: bens }).await;
        // The other one asks, is taken, and ends it.
        let text = None;
        ben.want(Action::ContactRequest { user: anns, text }).await;
        ann.want(Action::ContactAccept { user: bens }).await;
        ben.want(Action::ContactRemove { user: anns }).await;
        let opened = ann.change(Uuid::nil(), Action::DirectOpen { user: bens }).await;
        let Some(direct) = opened.map(|ack| ack.conversation) else {
            return;
        };
        ben.text(direct, "good evening").await;
        let block = |on| Action::UserBlock { user: anns, on };
        if ben.want(block(true)).await.is_none() {
            return;
        }
        let said = |text: &str| Some(Said::text(direct, text.to_owned()));
        let theirs = ann
            .say_in_vain(said("are you there?"), ErrorCode::Forbidden)
            .await;
        let own = ben.say_in_vain(said("I am not"), ErrorCode::Forbidden).await;
        if theirs && own && ben.want(block(false)).await.is_some() {
            ann.text(direct, "good night").await;
        }
    }
}
