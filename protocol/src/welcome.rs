//! The answer to `hello`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// Who the server takes the client for, and the rules of this connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    pub user: Uuid,
    pub session: Uuid,
    /// `tidings/<version>`.
    pub server: String,
    /// How often the server pings, in milliseconds; two missed close the connection.
    pub heartbeat_ms: u64,
    /// The server's clock.
    pub time: Timestamp,
    pub limits: Limits,
}

/// What the server allows. Those that are absent have no limit of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// The largest text frame, in bytes.
    pub frame_bytes: u32,
    /// The longest text or caption, in bytes of UTF-8.
    pub text_bytes: u32,
    /// How many events one conversation is caught up with before there is a `gap`.
    pub catch_up_events: u32,
    /// The same over all conversations of one `hello`.
    pub catch_up_total: u32,
    /// The most events in one answer to `fetch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch_events: Option<u32>,
    /// The most members of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_members: Option<u32>,
    /// The most users that one `group.create` may name; more come by `group.add`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_create_members: Option<u32>,
    /// The longest name of a group, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_chars: Option<u32>,
    /// The most mentions in one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<u32>,
    /// For how many seconds a message can be edited; 0 for never, -1 for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_window_s: Option<i64>,
    /// For how many seconds its author can recall a message; 0 for never, -1 for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall_window_s: Option<i64>,
    /// The most versions of a message, the first included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_versions: Option<u32>,
    /// The longest emoji of a reaction, in bytes of UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji_bytes: Option<u32>,
    /// The most different emoji on one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_reactions: Option<u32>,
    /// The most reactions of one user on one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_reactions: Option<u32>,
    /// The most messages of a conversation that are pinned at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pins: Option<u32>,
    /// The largest file that can be uploaded, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_bytes: Option<u64>,
    /// The most messages that one `message.hide` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_messages: Option<u32>,
    /// How many messages of a group mention everyone in any hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone_per_hour: Option<u32>,
    /// The longest that members wait in slow mode, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_s: Option<u32>,
    /// The most people whom a group bans at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans: Option<u32>,
    /// The longest reason of a ban, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_chars: Option<u32>,
    /// The most invitations of a group that are open at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations: Option<u32>,
    /// How many people a user invites into groups in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations_per_day: Option<u32>,
    /// The most contacts of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u32>,
    /// The most people whom a user waits for at a time, having asked them to be contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_requests: Option<u32>,
    /// How many people a user asks to be contacts in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_requests_per_day: Option<u32>,
    /// The most people whom a user blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u32>,
    /// How many messages a user reports in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_per_day: Option<u32>,
    /// The longest note of a report, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_note_chars: Option<u32>,
    /// The reasons that are offered to whoever reports a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_reasons: Option<Vec<String>>,
    /// Whether a report may give another reason, in words of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_other_reasons: Option<bool>,
    /// How many commands a connection may have unanswered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands_in_flight: Option<u32>,
    /// How many commands a user may send each second in the long run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands_per_second: Option<u32>,
    /// How many commands a user may send at once after a quiet while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands_burst: Option<u32>,
}
