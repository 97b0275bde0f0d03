use tidings_domain::event::{CursorsMoved, Registered};
use tidings_domain::user::UserCommand;
use tidings_domain::{Field, Rejection, User, UserEvent};

fn registered() -> Registered {
    Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }
}

#[test]
fn a_user_registers_once() {
    let mut user = User::default();
    let events = user.decide(UserCommand::Register(registered())).unwrap();
    assert_eq!(events, [UserEvent::Registered(registered())]);
    user.evolve(&events[0]);
    assert_eq!(user.decide(UserCommand::Register(registered())), Ok(vec![]));
}

#[test]
fn nobody_reads_before_they_register() {
    let read = UserCommand::MoveCursors(CursorsMoved::default());
    assert_eq!(
        User::default().decide(read),
        Err(Rejection::NotFound(Field::User))
    );
}
