use crate::harness::*;
use tidings_domain::conversation::GROUP_MEMBERS_MAX;
use tidings_domain::event::{GroupCreated, GroupRenamed, MemberRemoved};
use tidings_domain::{ConversationCommand, ConversationEvent, Field, Rejection, Role};

fn create(members: &[u128]) -> ConversationCommand {
    ConversationCommand::CreateGroup {
        name: name("friends"),
        members: members.iter().copied().map(user).collect(),
    }
}

fn add(n: u128) -> ConversationCommand {
    ConversationCommand::AddMember { user: user(n) }
}

fn remove(n: u128) -> ConversationCommand {
    ConversationCommand::RemoveMember { user: user(n) }
}

fn change(n: u128, role: Role) -> ConversationCommand {
    ConversationCommand::ChangeRole { user: user(n), role }
}

fn removed(n: u128) -> ConversationEvent {
    ConversationEvent::MemberRemoved(MemberRemoved { user: user(n) })
}

#[test]
fn the_creator_owns_the_group_and_everybody_is_in_it_once() {
    let created = ConversationEvent::GroupCreated(GroupCreated {
        name: name("friends"),
        owner: user(ANN),
        members: vec![user(ANN), user(BEN), user(CAT)],
    });
    given([]).when(ANN, create(&[BEN, ANN, CAT, BEN])).then([created]);
}

#[test]
fn a_group_has_so_many_members_at_most() {
    let max = GROUP_MEMBERS_MAX as u128;
    let others = |count: u128| (2..2 + count).collect::<Vec<_>>();
    let all = || given([]).with_people(max + 2);
    let full = all().done(ANN, create(&others(max - 1)));
    full.when(ANN, add(max + 1)).conflicts();
    full.done(BEN, ConversationCommand::Leave)
        .when(ANN, add(max + 1))
        .then([added(max + 1)]);
    all()
        .when(ANN, create(&others(max)))
        .refused(Rejection::TooLarge {
            field: Field::Members,
            max: GROUP_MEMBERS_MAX,
        });
}

#[test]
fn who_does_not_exist_is_not_found_and_only_those_who_may_add_are_told() {
    let nobody = PEOPLE + 1;
    given([])
        .when(ANN, create(&[BEN, nobody]))
        .refused(Rejection::NotFound(Field::Members));
    given(group())
        .when(ANN, add(nobody))
        .refused(Rejection::NotFound(Field::User));
    given(group()).when(BEN, add(nobody)).forbidden();
    given(group())
        .when(DAN, add(nobody))
        .refused(Rejection::NotAMember);
}

#[test]
fn a_group_is_created_once() {
    given(group()).when(ANN, create(&[BEN])).conflicts();
}

#[test]
fn an_owner_or_admin_adds_and_a_member_does_not() {
    given(group()).when(ANN, add(DAN)).then([added(DAN)]);
    given(group()).when(BEN, add(DAN)).forbidden();
    given(group().into_iter().chain([role(BEN, Role::Admin)]))
        .when(BEN, add(DAN))
        .then([added(DAN)]);
}

#[test]
fn who_is_in_is_not_added_again() {
    given(group()).when(ANN, add(BEN)).conflicts();
}

#[test]
fn a_stranger_learns_nothing_of_a_group() {
    given(group()).when(DAN, add(DAN)).refused(Rejection::NotAMember);
    given([]).when(DAN, add(DAN)).refused(Rejection::NotAMember);
}

#[test]
fn an_admin_removes_members_but_neither_admins_nor_owners() {
    let events: Vec<_> = group().into_iter().chain([role(BEN, Role::Admin)]).collect();
    given(events.clone()).when(BEN, remove(CAT)).then([removed(CAT)]);
    given(events.clone()).when(BEN, remove(ANN)).forbidden();
    given(events.clone().into_iter().chain([role(CAT, Role::Admin)]))
        .when(BEN, remove(CAT))
        .forbidden();
    given(events).when(ANN, remove(BEN)).then([removed(BEN)]);
}

#[test]
fn removing_somebody_who_is_not_in_is_not_found() {
    given(group()).when(ANN, remove(DAN)).refused(missing(NO_MEMBER));
    given(group()).when(ANN, remove(ANN)).invalid(Field::User);
}

#[test]
fn who_was_removed_is_out_until_added_again() {
    let events: Vec<_> = group().into_iter().chain([removed(BEN)]).collect();
    given(events.clone())
        .when(BEN, say("hi"))
        .refused(Rejection::NotAMember);
    given(events).when(ANN, add(BEN)).then([added(BEN)]);
}

#[test]
fn a_member_leaves() {
    given(group())
        .when(BEN, ConversationCommand::Leave)
        .then([left(BEN)]);
}

#[test]
fn the_last_owner_hands_the_group_to_the_longest_serving_admin_or_member() {
    given(group())
        .when(ANN, ConversationCommand::Leave)
        .then([left(ANN), role(BEN, Role::Owner)]);
    given(group().into_iter().chain([added(DAN), role(DAN, Role::Admin)]))
        .when(ANN, ConversationCommand::Leave)
        .then([left(ANN), role(DAN, Role::Owner)]);
    given(group().into_iter().chain([role(CAT, Role::Owner)]))
        .when(ANN, ConversationCommand::Leave)
        .then([left(ANN)]);
}

#[test]
fn who_came_first_has_served_longest_whatever_their_id() {
    let events = [
        ConversationEvent::GroupCreated(GroupCreated {
            name: name("friends"),
            owner: user(BEN),
            members: vec![user(BEN), user(DAN)],
        }),
        added(ANN),
    ];
    given(events.clone())
        .when(BEN, ConversationCommand::Leave)
        .then([left(BEN), role(DAN, Role::Owner)]);
    // Who comes again begins again, and who only has another role does not.
    given(events.clone().into_iter().chain([left(DAN), added(DAN)]))
        .when(BEN, ConversationCommand::Leave)
        .then([left(BEN), role(ANN, Role::Owner)]);
    given(
        events
            .into_iter()
            .chain([role(DAN, Role::Admin), role(DAN, Role::Member)]),
    )
    .when(BEN, ConversationCommand::Leave)
    .then([left(BEN), role(DAN, Role::Owner)]);
}

#[test]
fn the_last_member_leaves_an_empty_group() {
    let alone = group().into_iter().chain([left(BEN), left(CAT)]);
    given(alone)
        .when(ANN, ConversationCommand::Leave)
        .then([left(ANN)]);
}

#[test]
fn only_owners_change_roles_and_one_owner_stays() {
    given(group())
        .when(ANN, change(BEN, Role::Admin))
        .then([role(BEN, Role::Admin)]);
    given(group()).when(BEN, change(CAT, Role::Admin)).forbidden();
    given(group().into_iter().chain([role(BEN, Role::Admin)]))
        .when(BEN, change(CAT, Role::Admin))
        .forbidden();
    given(group()).when(ANN, change(ANN, Role::Member)).conflicts();
    given(group()).when(ANN, change(BEN, Role::Member)).conflicts();
    given(group())
        .when(ANN, change(DAN, Role::Admin))
        .refused(missing(NO_MEMBER));
}

#[test]
fn an_owner_or_admin_renames() {
    let renamed = ConversationEvent::GroupRenamed(GroupRenamed { name: name("us") });
    given(group())
        .when(ANN, ConversationCommand::Rename { name: name("us") })
        .then([renamed]);
    given(group())
        .when(CAT, ConversationCommand::Rename { name: name("us") })
        .forbidden();
}

#[test]
fn nobody_is_put_into_more_conversations_than_they_may_be_in() {
    let full = |n| given([]).with_room(n, 0);
    full(ANN).when(ANN, create(&[BEN])).conflicts();
    full(BEN).when(ANN, create(&[CAT, BEN])).conflicts();
    let open = |n| ConversationCommand::OpenDirect { user: user(n) };
    full(ANN).when(ANN, open(BEN)).conflicts();
    full(BEN).when(ANN, open(BEN)).conflicts();
    given(direct()).with_room(BEN, 0).when(ANN, open(BEN)).then([]);
    given(group()).with_room(DAN, 0).when(ANN, add(DAN)).conflicts();
    // Of what several commands know the least counts.
    for (first, then) in [(0, 1), (1, 0)] {
        given(group())
            .with_room(DAN, first)
            .with_room(DAN, then)
            .when(ANN, add(DAN))
            .conflicts();
    }
    // Whoever adds goes nowhere, and what stands before counts.
    let one = given(group()).with_room(ANN, 0).with_room(DAN, 1);
    one.when(ANN, add(DAN)).then([added(DAN)]);
    one.done(ANN, add(DAN))
        .done(ANN, remove(DAN))
        .when(ANN, add(DAN))
        .conflicts();
}
