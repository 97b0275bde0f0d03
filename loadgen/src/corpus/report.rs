//! The table at the end.

use std::{sync::atomic::Ordering, time::Duration};

use super::{shared::Shared, verify::Verified};

/// Prints what was done and how fast.
pub(crate) fn print(shared: &Shared, verified: &Verified, took: Duration) {
    let latency = shared.latency();
    let millis = |quantile| format!("{:.1} ms", latency.value_at_quantile(quantile) as f64 / 1000.0);
    let acks = latency.len() as f64 / took.as_secs_f64().max(0.001);
    let count = |kind| shared.count(kind).to_string();
    let rows = [
        ("people", verified.people.to_string()),
        ("devices", verified.devices.to_string()),
        ("conversations", verified.conversations.to_string()),
        ("messages", count("message.send")),
        ("edits", count("message.edit")),
        ("recalls", count("message.recall")),
        ("reactions", count("message.react")),
        ("pins", count("message.pin")),
        ("replies", count("replies")),
        ("forwards", count("forwards")),
        ("everyone", count("everyone")),
        ("files", count("files")),
        ("by link", count("by link")),
        ("invited", count("group.accept")),
        ("asked", count("asked")),
        ("approved", count("approved")),
        ("turned away", count("turned away")),
        ("silenced", count("silenced")),
        ("removed", count("group.remove")),
        ("banned", count("group.ban")),
        ("came back", count("came back")),
        ("gone", verified.gone.to_string()),
        ("slow", verified.paced.messages.to_string()),
        ("pauses", verified.paced.pauses.to_string()),
        ("too soon", count("too soon")),
        ("blocks", count("blocks")),
        ("lifted", count("blocks.lifted")),
        ("requests", count("contact.request")),
        ("accepted", count("contact.accept")),
        ("declined", count("contact.decline")),
        ("withdrawn", count("contact.withdraw")),
        ("ended", count("contact.remove")),
        ("crossed", count("crossed")),
        ("reported", count("report.send")),
        ("withheld", count("withheld")),
        ("shown again", count("shown again")),
        ("settled", count("settled")),
        ("unsaid", count("unsaid")),
        ("refusals", count("refusals")),
        ("mutes", count("conversation.mute")),
        ("archived", count("conversation.archive")),
        ("marked unread", count("conversation.mark")),
        ("hidden", count("message.hide")),
        ("cleared", count("conversation.clear")),
        ("follows", count("thread.follow")),
        ("thread reads", count("thread.read")),
        ("took", format!("{:.1} s", took.as_secs_f64())),
        ("window", shared.window.to_string()),
        ("acks/s", format!("{acks:.0}")),
        (
            "deliveries",
            shared.deliveries.load(Ordering::Relaxed).to_string(),
        ),
        (
            "reconnects",
            shared.reconnects.load(Ordering::Relaxed).to_string(),
        ),
        ("ack p50", millis(0.5)),
        ("ack p99", millis(0.99)),
        ("counts checked", format!("{} people", verified.counted)),
        ("searches", verified.searches.to_string()),
        ("copies compared", verified.copies.to_string()),
        ("reports compared", verified.reports.to_string()),
        ("lists compared", format!("{} people", verified.tied)),
        ("unheard", verified.unheard.to_string()),
    ];
    for (name, value) in rows {
        println!("{name:<16}{value:>14}");
    }
    if let Ok(summary) = &verified.outcome {
        println!("checker: {summary}");
    }
}
