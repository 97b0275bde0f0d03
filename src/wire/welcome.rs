//! The answer to a valid hello.

use chrono::{DateTime, Utc};
use std::sync::Arc;
use tidings_domain::conversation::ban::BANS_MAX;
use tidings_domain::conversation::reaction::EMOJI_BYTES_MAX;
use tidings_domain::conversation::slow::SLOW_SECONDS_MAX;
use tidings_domain::conversation::{EVERYONE_PER_HOUR, GROUP_MEMBERS_MAX, MENTIONS_MAX};
use tidings_domain::pair::block::BLOCKS_MAX;
use tidings_domain::text::{
    GROUP_NAME_CHARS_MAX, MESSAGE_TEXT_BYTES_MAX, REASON_CHARS_MAX, REPORT_NOTE_CHARS_MAX,
};
use tidings_domain::{
    CONTACTS_MAX, HIDDEN_MAX, INVITATIONS_A_DAY, INVITATIONS_MAX, PINS_MAX, REPORTS_A_DAY, REQUESTS_A_DAY,
    REQUESTS_MAX, Rules,
};
use tidings_protocol::{FETCH_EVENTS_MAX, Limits, ServerFrame, Welcome};
use uuid::Uuid;

/// The settings of a node that its clients are told.
#[derive(Clone, Debug)]
pub struct Announced {
    pub heartbeat_ms: u64,
    pub frame_bytes: usize,
    pub catch_up_events: u64,
    pub catch_up_total: u64,
    pub commands_in_flight: u32,
    pub commands_per_second: u32,
    pub commands_burst: u32,
    pub rules: Rules,
    /// The largest file that can be uploaded.
    pub attachment_bytes: u64,
    /// What messages are reported for, and whether for something else, too.
    pub report_reasons: Arc<[String]>,
    pub report_other_reasons: bool,
}

/// The `welcome` of a session.
pub fn welcome(user: Uuid, session: Uuid, time: DateTime<Utc>, announced: &Announced) -> ServerFrame {
    ServerFrame::Welcome(Box::new(Welcome {
        user,
        session,
        server: concat!("tidings/", env!("CARGO_PKG_VERSION")).to_owned(),
        heartbeat_ms: announced.heartbeat_ms,
        time: time.into(),
        limits: limits(announced),
    }))
}

/// The node's settings, and the limits that the domain itself sets.
fn limits(announced: &Announced) -> Limits {
    Limits {
        frame_bytes: announced.frame_bytes as u32,
        text_bytes: MESSAGE_TEXT_BYTES_MAX as u32,
        catch_up_events: announced.catch_up_events as u32,
        catch_up_total: announced.catch_up_total as u32,
        fetch_events: Some(FETCH_EVENTS_MAX),
        group_members: Some(GROUP_MEMBERS_MAX as u32),
        group_create_members: None,
        name_chars: Some(GROUP_NAME_CHARS_MAX as u32),
        mentions: Some(MENTIONS_MAX as u32),
        commands_in_flight: Some(announced.commands_in_flight),
        commands_per_second: Some(announced.commands_per_second),
        commands_burst: Some(announced.commands_burst),
        edit_window_s: Some(announced.rules.edit_window.setting()),
        recall_window_s: Some(announced.rules.recall_window.setting()),
        message_versions: Some(announced.rules.versions as u32),
        emoji_bytes: Some(EMOJI_BYTES_MAX as u32),
        message_reactions: Some(announced.rules.reactions as u32),
        user_reactions: Some(announced.rules.reactions_of_user as u32),
        pins: Some(PINS_MAX as u32),
        attachment_bytes: Some(announced.attachment_bytes),
        hidden_messages: Some(HIDDEN_MAX as u32),
        everyone_per_hour: Some(EVERYONE_PER_HOUR as u32),
        slow_s: Some(SLOW_SECONDS_MAX),
        bans: Some(BANS_MAX as u32),
        reason_chars: Some(REASON_CHARS_MAX as u32),
        invitations: Some(INVITATIONS_MAX as u32),
        invitations_per_day: Some(INVITATIONS_A_DAY),
        contacts: Some(CONTACTS_MAX),
        contact_requests: Some(REQUESTS_MAX),
        contact_requests_per_day: Some(REQUESTS_A_DAY),
        blocks: Some(BLOCKS_MAX),
        reports_per_day: Some(REPORTS_A_DAY),
        report_note_chars: Some(REPORT_NOTE_CHARS_MAX as u32),
        report_reasons: Some(announced.report_reasons.to_vec()),
        report_other_reasons: Some(announced.report_other_reasons),
    }
}
