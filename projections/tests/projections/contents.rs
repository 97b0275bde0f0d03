//! What the read models hold.

use crate::support::{Crowd, World};
use tidings_domain::Role;
use tidings_eventlog::Recorded;
use tidings_projections::{Membership, known_users, memberships};
use uuid::Uuid;

/// How far everybody has read everything.
const POSITIONS: &str = "(SELECT user_id, conversation, max(seq) AS read_seq, max(msg_no) AS read_msg_no \
    FROM (SELECT * FROM p_unread_6.read_position UNION ALL SELECT * FROM p_unread_6.own_position) p GROUP BY 1, 2)";

#[tokio::test]
async fn messages_come_to_history_with_their_numbers() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    let first = world.send(talk, ann, "hello", &[]).await;
    let second = world.send(talk, bob, "hello, ann", &[ann]).await;
    world.settle().await;
    let sql = "SELECT seq, message, msg_no, sender, kind, text, attachment, mentions, edited_at FROM p_history_4.message ORDER BY seq";
    let expected = [
        format!("(2,{},1,{ann},text,hello,,{{}},)", first.command),
        format!("(3,{},2,{bob},text,\"hello, ann\",,{{{ann}}},)", second.command),
    ];
    assert_eq!(world.rows(sql).await, expected);
    let sql = "SELECT kind, title, created_by, last_seq, last_msg_no, last_message, last_message_seq FROM p_conversations_3.conversation";
    assert_eq!(
        world.rows(sql).await,
        [format!("(direct,,{ann},3,2,{},3)", second.command)]
    );
    let sql = "SELECT username, display_name FROM p_conversations_3.person ORDER BY username";
    assert_eq!(
        world.rows(sql).await,
        [r#"(ann,"ann the person")"#, r#"(bob,"bob the person")"#]
    );
}

#[tokio::test]
async fn members_come_and_go_and_keep_their_row() {
    let world = World::new().await;
    let (ann, bob, eve) = (
        world.register(0, "a").await,
        world.register(1, "b").await,
        world.register(2, "e").await,
    );
    let group = world.group("first", &[ann, bob], 3).await;
    world.send(group, ann, "one", &[]).await;
    world.add(group, eve).await;
    world.change_role(group, eve, Role::Admin).await;
    world.leave(group, eve).await;
    world.remove(group, bob).await;
    world.rename(group, "second").await;
    // Once in one range, and once event by event.
    world.settle().await;
    let members = "SELECT user_id, role, joined_seq, joined_msg_no, left_seq FROM p_conversations_3.member ORDER BY joined_seq, role DESC";
    let before = [
        format!("({ann},owner,1,0,)"),
        format!("({bob},member,1,0,6)"),
        format!("({eve},admin,3,1,5)"),
    ];
    assert_eq!(world.rows(members).await, before);
    world.send(group, ann, "two", &[]).await;
    world.settle().await;
    world.add(group, eve).await;
    world.settle().await;
    let after = [
        before[0].clone(),
        before[1].clone(),
        format!("({eve},member,9,2,)"),
    ];
    assert_eq!(world.rows(members).await, after);
    assert_eq!(
        world
            .rows("SELECT title, last_seq FROM p_conversations_3.conversation")
            .await,
        ["(second,9)"]
    );

    let [eves, bobs, nobodys] = &memberships(world.log.pool(), &[eve, bob, Uuid::nil()])
        .await
        .unwrap()[..]
    else {
        panic!("three users, but not three answers");
    };
    let [eves, bobs, nobodys] = [&eves.of_user, &bobs.of_user, &nobodys.of_user];
    assert_eq!(
        (eves[0].conversation, eves[0].joined_seq, eves[0].left_seq),
        (group, 9, None)
    );
    assert_eq!(
        (
            eves[0].delivered_seq,
            eves[0].delivered_msg_no,
            eves[0].expired_from
        ),
        // What was said before the first leaving was never sent.
        (Some(2), 1, None)
    );
    assert_eq!(
        (bobs[0].joined_seq, bobs[0].left_seq, bobs[0].delivered_seq),
        (1, Some(6), Some(0))
    );
    assert!(nobodys.is_empty());
    let known = known_users(world.log.pool(), &[ann, Uuid::nil(), eve])
        .await
        .unwrap();
    assert_eq!(known, [ann, eve].into());
}

#[tokio::test]
async fn reading_never_moves_back_and_sending_reads() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    let mut said = vec![];
    for n in 0..6 {
        said.push(world.send(talk, ann, &format!("{n}"), &[bob, ann]).await);
    }
    world.read(bob, &said[4]).await;
    world.read(bob, &said[1]).await;
    world.settle().await;
    let unread = format!(
        "SELECT m.user_id = c.created_by AS ann, greatest(0, c.last_msg_no - coalesce(r.read_msg_no, 0)) AS unread, \
        (SELECT count(*) FROM p_unread_6.mention x WHERE x.user_id = m.user_id AND x.conversation = m.conversation AND x.seq > coalesce(r.read_seq, 0)) \
        FROM p_conversations_3.member m JOIN p_conversations_3.conversation c USING (conversation) \
        LEFT JOIN {POSITIONS} r USING (user_id, conversation) ORDER BY 1"
    );
    let unread = unread.as_str();
    assert_eq!(world.rows(unread).await, ["(f,1,1)", "(t,0,0)"]);
    world.send(talk, bob, "and I say", &[]).await;
    world.settle().await;
    assert_eq!(world.rows(unread).await, ["(f,0,0)", "(t,1,0)"]);
}

#[tokio::test]
async fn unread_counts_equal_a_recount_of_the_log() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 11).await;
    for n in 0..400 {
        crowd.act(&world).await;
        if n % 7 == 0 {
            world.settle().await;
        }
    }
    world.settle().await;
    let wrong = format!(
        "SELECT m.user_id, m.conversation FROM p_conversations_3.member m JOIN p_conversations_3.conversation c USING (conversation) \
        LEFT JOIN {POSITIONS} r USING (user_id, conversation) \
        WHERE greatest(0, c.last_msg_no - coalesce(r.read_msg_no, 0)) <> (SELECT count(*) FROM event e \
        WHERE e.stream = m.conversation AND e.kind IN (16, 22) AND e.seq > coalesce(r.read_seq, 0))"
    );
    assert_eq!(world.rows(&wrong).await, Vec::<String>::new());
    assert!(
        world
            .number("SELECT count(*) FROM p_unread_6.read_position WHERE seq > 0")
            .await
            > 5
    );
    let users = crowd.users();
    for (user, found) in users
        .iter()
        .zip(memberships(world.log.pool(), users).await.unwrap())
    {
        for membership in found.of_user {
            let (conversation, seq) = (membership.conversation, membership.delivered_seq.unwrap_or(0));
            let messages = format!(
                "SELECT count(*) FROM event WHERE stream = '{conversation}' AND kind IN (16, 22) AND seq <= {seq}"
            );
            let counted = world.number(&messages).await as u64;
            assert_eq!(
                membership.delivered_msg_no, counted,
                "{user} in {conversation} at {seq}"
            );
        }
    }
}

#[tokio::test]
async fn an_inbox_lapses_once_and_a_later_delivery_ends_the_lapse() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let mut said = vec![];
    for n in 0..8 {
        said.push(world.send(group, ann, &format!("{n}"), &[]).await);
    }
    let cursor = async || {
        let found = memberships(world.log.pool(), &[bob])
            .await
            .unwrap()
            .remove(0)
            .of_user
            .remove(0);
        (
            found.delivered_seq.unwrap(),
            found.delivered_msg_no,
            found.expired_from,
        )
    };
    // The first message has seq 2.
    world.deliver(bob, &said[1]).await;
    world.expire(bob, &said[3]).await;
    world.expire(bob, &said[4]).await;
    world.settle().await;
    assert_eq!(cursor().await, (6, 5, Some(4)));
    // A delivery from before the lapse does not end it, and one that comes up to it does.
    world.deliver(bob, &said[2]).await;
    world.settle().await;
    assert_eq!(cursor().await, (6, 5, Some(4)));
    world.deliver(bob, &said[4]).await;
    world.settle().await;
    assert_eq!(cursor().await, (6, 5, None));
    world.expire(bob, &said[5]).await;
    world.deliver(bob, &said[6]).await;
    world.expire(bob, &said[7]).await;
    world.settle().await;
    assert_eq!(cursor().await, (9, 8, Some(9)));
    // Coming back drops neither the lapse nor what has not been sent since, the leaving itself.
    world.leave(group, bob).await;
    world.add(group, bob).await;
    world.settle().await;
    assert_eq!(cursor().await, (9, 8, Some(9)));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn coming_back_drops_nothing_that_was_owed() {
    let world = World::new().await;
    let (ann, bob, eve) = (
        world.register(0, "ann").await,
        world.register(1, "bob").await,
        world.register(3, "eve").await,
    );
    let group = world.group("g", &[ann, bob], 2).await;
    let membership = async |user| {
        world.settle().await;
        let mut found = memberships(world.log.pool(), &[user]).await.unwrap();
        found.remove(0).of_user.remove(0)
    };
    let cursor = async |user| {
        let found = membership(user).await;
        (found.delivered_seq.unwrap(), found.delivered_msg_no)
    };
    // What is known of somebody before they left and came back, and the log alone, say the same.
    let follows = async |before: &Membership, user, left: &Recorded, back: &Recorded, messages| {
        let mut followed = before.clone();
        followed.leave(left.seq);
        followed.join(back.seq, messages);
        assert_eq!(followed.sent(), membership(user).await.sent());
    };
    let unsent = membership(bob).await;
    let missed = world.send(group, ann, "you were in", &[bob]).await;
    let left = world.remove(group, bob).await;
    world.send(group, ann, "you were out", &[]).await;
    let back = world.add(group, bob).await;
    // All since the beginning was never sent.
    assert_eq!(cursor(bob).await, (0, 0));
    follows(&unsent, bob, &left, &back, 2).await;
    world.deliver(bob, &missed).await;
    assert_eq!(cursor(bob).await, (2, 1));
    let sent = |seq| Membership {
        delivered_seq: Some(seq),
        ..unsent.clone()
    };
    follows(&sent(2), bob, &left, &back, 2).await;
    // With everything sent up to the leaving, what was said meanwhile is not owed.
    world.deliver(bob, &left).await;
    assert_eq!(cursor(bob).await, (back.seq - 1, 2));
    follows(&sent(left.seq), bob, &left, &back, 2).await;
    // One model knows of the joining and the other does not yet.
    let apart = async || {
        let mut found = memberships(world.log.pool(), &[bob]).await.unwrap();
        found.remove(0).apart
    };
    assert_eq!(apart().await, None);
    world
        .execute("UPDATE p_inbox_3.membership SET joined_seq = 0")
        .await;
    assert_eq!(apart().await, Some(group));
    world
        .execute(&format!(
            "UPDATE p_inbox_3.membership SET joined_seq = {}",
            back.seq - 1
        ))
        .await;
    // Whoever was added later is owed nothing from before the first joining.
    let added = world.add(group, eve).await;
    assert_eq!(cursor(eve).await, (added.seq - 1, 2));
    world.leave(group, eve).await;
    world.send(group, ann, "and out", &[]).await;
    world.add(group, eve).await;
    world.leave(group, eve).await;
    let last = world.add(group, eve).await;
    assert_eq!(cursor(eve).await, (added.seq - 1, 2));
    world.deliver(eve, &last).await;
    assert_eq!(cursor(eve).await, (last.seq, 3));
    // The user's lane may also be folded first, and all at once.
    world.assert_as_the_log_says().await;
}
