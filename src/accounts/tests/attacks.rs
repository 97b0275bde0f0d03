//! Tokens that want to be believed.

use super::*;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use std::fmt::Write as _;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn world() -> World {
    let key = SigningKey {
        kid: "k".to_owned(),
        secret: Secret::new(SECRET),
    };
    World::with(AuthConfig {
        signing_keys: vec![key],
        ..cheap()
    })
    .await
}

fn claims(user: Uuid) -> Value {
    let now = now().timestamp();
    json!({"sub": user, "exp": now + 600, "iat": now, "iss": "tidings", "roles": ["admin"], "sid": Uuid::new_v4()})
}

fn header(algorithm: Algorithm) -> Header {
    let mut header = Header::new(algorithm);
    header.kid = Some("k".to_owned());
    header
}

/// Base64url of bytes whose number is a multiple of three needs no padding to be left out; JSON is filled with spaces.
fn part(json: &Value) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = json.to_string();
    while !text.len().is_multiple_of(3) {
        text.push(' ');
    }
    text.as_bytes().chunks(3).fold(String::new(), |mut part, bytes| {
        let bits = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
        for shift in [18, 12, 6, 0] {
            let _ = write!(part, "{}", char::from(DIGITS[(bits >> shift & 63) as usize]));
        }
        part
    })
}

#[tokio::test]
async fn a_token_made_with_the_secret_is_good_so_that_the_forgeries_below_mean_something() {
    let world = world().await;
    let token = encode(
        &header(Algorithm::HS256),
        &claims(Uuid::nil()),
        &EncodingKey::from_secret(SECRET.as_bytes()),
    );
    assert!(world.verify(&token.unwrap()).await.unwrap().is_admin());
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let world = world().await;
    let good = world.register("ada").await.token;
    let signature = good.rsplit('.').next().unwrap();
    for algorithm in ["none", "None", "NONE", "", "HS256"] {
        let head = part(&json!({"alg": algorithm, "typ": "JWT", "kid": "k"}));
        let body = part(&claims(Uuid::nil()));
        for end in ["", signature, "AAAA"] {
            let forged = format!("{head}.{body}.{end}");
            assert_eq!(
                world.verify(&forged).await,
                Err(AuthError::Invalid),
                "{algorithm} {end}"
            );
        }
    }
}

#[tokio::test]
async fn another_algorithm_or_key_is_refused() {
    let world = world().await;
    let user = world.register("ada").await.user;
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let forged = encode(&header(algorithm), &claims(user), &secret).unwrap();
        assert_eq!(
            world.verify(&forged).await,
            Err(AuthError::Invalid),
            "{algorithm:?}"
        );
    }
    for guess in ["", "secret", "k", "tidings"] {
        let key = EncodingKey::from_secret(guess.as_bytes());
        let forged = encode(&header(Algorithm::HS256), &claims(user), &key).unwrap();
        assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid), "{guess:?}");
    }
    for kid in [None, Some("other"), Some("../../dev/null"), Some("' OR 1=1 --")] {
        let mut header = header(Algorithm::HS256);
        header.kid = kid.map(str::to_owned);
        let forged = encode(&header, &claims(user), &secret).unwrap();
        assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid), "{kid:?}");
    }
    let mut critical = header(Algorithm::HS256);
    critical.crit = Some(vec!["b64".to_owned()]);
    let forged = encode(&critical, &claims(user), &secret).unwrap();
    assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn a_token_is_good_to_the_second_and_from_us_alone() {
    let world = world().await;
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let admission = world.register("ada").await;
    let authenticator = world.accounts.authenticator();
    let last = admission.expires_at - TimeDelta::milliseconds(1);
    assert!(authenticator.verify(&admission.token, last).await.is_ok());
    assert_eq!(
        authenticator.verify(&admission.token, admission.expires_at).await,
        Err(AuthError::Expired)
    );
    for (field, value) in [
        ("iss", json!("someone else")),
        ("iss", json!(["someone else"])),
        ("exp", json!(null)),
    ] {
        let mut claims = claims(admission.user);
        claims[field] = value.clone();
        let forged = encode(&header(Algorithm::HS256), &claims, &secret).unwrap();
        assert_eq!(
            world.verify(&forged).await,
            Err(AuthError::Invalid),
            "{field} {value}"
        );
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let world = World::new().await;
    let good = world.register("ada").await.token;
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "Bearer",
        &good[1..],
        &good[..good.len() - 1],
        &format!("{good}.{good}"),
    ] {
        assert_eq!(world.verify(text).await, Err(AuthError::Invalid), "{text}");
    }
    assert_eq!(world.verify(&"a".repeat(1 << 20)).await, Err(AuthError::Invalid));
    assert_eq!(world.verify(&format!(" {good}")).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn a_server_of_the_same_name_with_another_database_is_another_server() {
    let (ours, theirs) = (World::new().await, World::new().await);
    let token = theirs.register("ada").await.token;
    assert!(theirs.verify(&token).await.is_ok());
    assert_eq!(ours.verify(&token).await, Err(AuthError::Invalid));
}
