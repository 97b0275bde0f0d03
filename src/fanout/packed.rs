//! A range of a lane as one Redis entry.
//!
//! Little-endian, no padding: a version byte, the lane, the number of events, then the events. Fields that are alike in
//! a range (lane, consecutive positions) are written once.

use bytes::{Buf, BufMut, Bytes};
use chrono::DateTime;
use thiserror::Error;
use tidings_eventlog::{Recorded, Standing};
use uuid::Uuid;

const VERSION: u8 = 1;
/// Flags of an event. Whoever does not know one takes the event for what it was when it was committed.
const CONTROL: u8 = 1;
const WITHDRAWN: u8 = 2;
/// Beside `WITHDRAWN`, for those who do not know it.
const WITHHELD: u8 = 4;
/// Bytes of one event before its payload.
const HEADER: usize = 16 + 8 + 8 + 2 + 2 + 1 + 16 + 8 + 16 + 2 + 4;

/// An entry that this version cannot read. The reader takes the range from the log instead.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("unreadable entry: {0}")]
pub(super) struct UnpackError(&'static str);

/// Packs a range of consecutive positions.
pub(super) fn pack(events: &[Recorded]) -> Vec<u8> {
    let Some(first) = events.first() else {
        return vec![];
    };
    let mut out = Vec::with_capacity(
        14 + events
            .iter()
            .map(|event| HEADER + event.payload.len())
            .sum::<usize>(),
    );
    out.put_u8(VERSION);
    out.put_u8(first.lane);
    out.put_u64_le(first.pos);
    out.put_u32_le(events.len() as u32);
    for event in events {
        out.put_slice(event.stream.as_bytes());
        out.put_u64_le(event.seq);
        out.put_u64_le(event.msg_no);
        out.put_i16_le(event.kind);
        out.put_i16_le(event.ver);
        let standing = match event.standing {
            Standing::Whole => 0,
            Standing::Withheld => WITHDRAWN | WITHHELD,
            Standing::Withdrawn => WITHDRAWN,
        };
        out.put_u8((u8::from(event.control) * CONTROL) | standing);
        out.put_slice(event.actor.as_bytes());
        out.put_i64_le(event.at.timestamp_micros());
        out.put_slice(event.command.as_bytes());
        out.put_i16_le(event.idx);
        out.put_u32_le(event.payload.len() as u32);
        out.put_slice(&event.payload);
    }
    out
}

/// Unpacks an entry; payloads share its bytes.
pub(super) fn unpack(mut entry: Bytes) -> Result<Vec<Recorded>, UnpackError> {
    if entry.remaining() < 14 {
        return Err(UnpackError("too short"));
    }
    if entry.get_u8() != VERSION {
        return Err(UnpackError("another version"));
    }
    let lane = entry.get_u8();
    let first = entry.get_u64_le();
    let count = entry.get_u32_le() as usize;
    if count > entry.remaining() / HEADER {
        return Err(UnpackError("more events than bytes"));
    }
    let mut events = Vec::with_capacity(count);
    for index in 0..count as u64 {
        if entry.remaining() < HEADER {
            return Err(UnpackError("cut off"));
        }
        let stream = id(&mut entry);
        let (seq, msg_no) = (entry.get_u64_le(), entry.get_u64_le());
        let (kind, ver, flags) = (entry.get_i16_le(), entry.get_i16_le(), entry.get_u8());
        let actor = id(&mut entry);
        let at = DateTime::from_timestamp_micros(entry.get_i64_le()).ok_or(UnpackError("no such time"))?;
        let command = id(&mut entry);
        let idx = entry.get_i16_le();
        let bytes = entry.get_u32_le() as usize;
        if entry.remaining() < bytes {
            return Err(UnpackError("cut off"));
        }
        let payload = entry.split_to(bytes);
        let pos = first + index;
        events.push(Recorded {
            lane,
            pos,
            stream,
            seq,
            msg_no,
            kind,
            ver,
            control: flags & CONTROL != 0,
            actor,
            at,
            command,
            idx,
            payload,
            standing: match (flags & WITHDRAWN != 0, flags & WITHHELD != 0) {
                (false, _) => Standing::Whole,
                (true, true) => Standing::Withheld,
                (true, false) => Standing::Withdrawn,
            },
        });
    }
    Ok(events)
}

fn id(entry: &mut Bytes) -> Uuid {
    let mut bytes = [0; 16];
    entry.copy_to_slice(&mut bytes);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(pos: u64) -> Recorded {
        Recorded {
            lane: 3,
            pos,
            stream: Uuid::from_u128(7),
            seq: pos * 2,
            msg_no: pos,
            kind: 16,
            ver: 1,
            control: pos.is_multiple_of(2),
            actor: Uuid::from_u128(8),
            at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            command: Uuid::from_u128(u128::from(pos)),
            idx: 0,
            payload: Bytes::from(format!("{{\"n\":{pos}}}")),
            standing: [Standing::Whole, Standing::Withheld, Standing::Withdrawn][(pos % 3) as usize],
        }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let events: Vec<Recorded> = (5..20).map(event).collect();
        assert_eq!(unpack(Bytes::from(pack(&events))), Ok(events));
    }

    #[test]
    fn no_damage_panics() {
        let packed = pack(&[event(1), event(2)]);
        for cut in 0..packed.len() {
            assert!(unpack(Bytes::copy_from_slice(&packed[..cut])).is_err());
        }
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0xff;
            // Any answer will do, as long as there is one.
            let _ = unpack(Bytes::from(damaged));
        }
    }
}
