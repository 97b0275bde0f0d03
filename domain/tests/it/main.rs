//! The rules as sentences, the laws as properties, and the stored forms as files.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod announcements;
mod attachments;
mod bans;
mod commands;
mod deletions;
mod digests;
mod direct;
mod edits;
mod everyone;
mod facts;
mod forwards;
mod golden;
mod group;
mod group_settings;
mod harness;
mod hiding;
mod history;
mod invitations;
mod joining;
mod links;
mod marks;
mod messages;
mod muted;
mod pairs;
mod past;
mod permissions;
mod pins;
mod profiles;
mod properties;
mod reactions;
mod recalls;
mod receipts;
mod reports;
mod slow;
mod threads;
mod users;
mod withholding;
