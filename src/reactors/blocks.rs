//! Who blocks whom, for those reactors that tell nobody of what is by somebody they block.

use super::commands::Later;
use crate::lanes;
use std::collections::{BTreeMap, HashMap};
use tidings_domain::{ConversationId, UserId, pair_of};
use tidings_eventlog::Log;
use uuid::Uuid;

/// Whether of some pairs the first blocks the second; nothing of those of whom it cannot be said. It is asked of the log itself: a block that was
/// acked before what it is asked for is always seen. `log_id` is the log's own id, from which the ids of pairs derive.
pub(super) async fn blocks(
    log: &Log,
    log_id: Uuid,
    asked: &[(UserId, UserId)],
) -> Result<HashMap<(UserId, UserId), bool>, Later> {
    let mut by_lane: BTreeMap<u8, HashMap<Uuid, (UserId, UserId)>> = BTreeMap::new();
    for (user, by) in asked {
        let direct = ConversationId::direct(log_id, *user, *by);
        let pairs = by_lane.entry(direct.lane()).or_default();
        pairs.insert(pair_of(direct), (*user, *by));
    }
    let mut blocks = HashMap::new();
    for (lane, pairs) in by_lane {
        let streams: Vec<Uuid> = pairs.keys().copied().collect();
        for (stream, pair) in lanes::pairs(log, lane, &streams).await? {
            if let (Some((user, by)), Some(pair)) = (pairs.get(&stream), pair) {
                blocks.insert((*user, *by), pair.blocks(*user, *by));
            }
        }
    }
    Ok(blocks)
}
