//! Users of outside issuers.

use super::*;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use std::sync::atomic::AtomicUsize;

const ISSUER: &str = "https://login.example.org/";
/// PKCS#8 around the 32 bytes of a private key.
const ED25519: &[u8] = &[
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
const P256: &[u8] = &[
    0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
];

/// An issuer that serves what it is told to.
#[derive(Default)]
struct Provider {
    keys: Mutex<Option<Value>>,
    fetches: AtomicUsize,
}

struct Key {
    kid: &'static str,
    algorithm: Algorithm,
    secret: EncodingKey,
}

impl Key {
    fn ed25519(kid: &'static str) -> Self {
        let secret = EncodingKey::from_ed_der(&[ED25519, &rand::random::<[u8; 32]>()].concat());
        Self {
            kid,
            algorithm: Algorithm::EdDSA,
            secret,
        }
    }

    fn p256(kid: &'static str) -> Self {
        let secret = EncodingKey::from_ec_der(&[P256, &rand::random::<[u8; 32]>()].concat());
        Self {
            kid,
            algorithm: Algorithm::ES256,
            secret,
        }
    }

    /// From a file, because making an RSA key takes long. It is used nowhere else.
    fn rsa(kid: &'static str) -> Self {
        let secret = EncodingKey::from_rsa_pem(include_bytes!("rsa.pem")).unwrap();
        Self {
            kid,
            algorithm: Algorithm::RS256,
            secret,
        }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        encode(&header, claims, &self.secret).unwrap()
    }
}

async fn key_set(State(provider): State<Arc<Provider>>) -> Result<axum::Json<Value>, axum::http::StatusCode> {
    provider.fetches.fetch_add(1, Ordering::Relaxed);
    let keys = provider.keys.lock().unwrap().clone();
    keys.map(axum::Json)
        .ok_or(axum::http::StatusCode::SERVICE_UNAVAILABLE)
}

/// A server that accepts the issuer, and the issuer, which serves `keys`, or nothing where there are none.
async fn world(keys: &[&Key], refresh_s: u32) -> (World, Arc<Provider>) {
    let provider = Arc::<Provider>::default();
    provider.serve(keys);
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let jwks_url = format!("http://{}/keys", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/keys", get(key_set))
        .with_state(Arc::clone(&provider));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let issuer = OutsideIssuer {
        issuer: ISSUER.to_owned(),
        jwks_url,
        audience: Some("chat".to_owned()),
        refresh_s,
    };
    (
        World::with(AuthConfig {
            issuers: vec![issuer],
            ..cheap()
        })
        .await,
        provider,
    )
}

impl Provider {
    fn serve(&self, keys: &[&Key]) {
        let set: Vec<_> = keys.iter().map(|key| key.public()).collect();
        *self.keys.lock().unwrap() = if set.is_empty() {
            None
        } else {
            Some(json!({ "keys": set }))
        };
    }
}

fn claims(subject: &str) -> Value {
    let now = now().timestamp();
    json!({"iss": ISSUER, "sub": subject, "aud": ["other", "chat"], "exp": now + 600, "iat": now})
}

#[tokio::test]
async fn each_accepted_algorithm_admits_the_same_user() {
    let keys = [Key::ed25519("a"), Key::p256("b"), Key::rsa("c")];
    let (world, _) = world(&keys.each_ref(), 30).await;
    let mut users = Vec::new();
    for key in &keys {
        let mut claims = claims("subject|1");
        claims["preferred_username"] = json!("ada@example.org");
        claims["name"] = json!("Ada Lovelace");
        let principal = world.verify(&key.sign(&claims)).await.unwrap();
        assert_eq!(
            (principal.expires_at.timestamp(), principal.session),
            (claims["exp"].as_i64().unwrap(), None)
        );
        users.push(principal.user);
    }
    assert!(users.iter().all(|user| *user == users[0]));
    let told = world.ledger.users.lock().unwrap();
    assert_eq!((told.len(), told[&users[0]].username.as_str()), (1, "ada"));
    assert_eq!(told[&users[0]].display_name, "Ada Lovelace");
}

#[tokio::test]
async fn first_sight_makes_one_account_however_many_see_it() {
    let key = Key::ed25519("a");
    let (world, _) = world(&[&key], 30).await;
    let token = key.sign(&claims("ada"));
    let principals = futures_util::future::join_all((0..16).map(|_| world.verify(&token))).await;
    let first = principals[0].clone().unwrap();
    assert!(
        principals
            .iter()
            .all(|principal| principal.as_ref() == Ok(&first))
    );
    assert_eq!(world.text("SELECT count(*)::text FROM account").await, "1");
    let elsewhere = world
        .another(AuthConfig {
            issuers: world.accounts.config().issuers.clone(),
            ..cheap()
        })
        .await;
    assert_eq!(
        elsewhere
            .authenticator()
            .verify(&token, now())
            .await
            .unwrap()
            .user,
        first.user
    );
}

#[tokio::test]
async fn an_outside_name_cannot_take_over_ours() {
    let key = Key::ed25519("a");
    let (world, _) = world(&[&key], 30).await;
    let ours = world.register("ada").await;
    let principal = world.verify(&key.sign(&claims("ada"))).await.unwrap();
    assert_ne!(principal.user, ours.user);
    let username = world.ledger.users.lock().unwrap()[&principal.user]
        .username
        .clone();
    assert!(username.starts_with("ada-"), "{username}");
    // There is no password to such an account, so none is right.
    for password in ["", PASSWORD] {
        assert!(
            world
                .accounts
                .login(&username, password.to_owned(), HERE)
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn only_our_own_account_grants_roles() {
    let key = Key::ed25519("a");
    let (world, _) = world(&[&key], 30).await;
    let mut claims = claims("ada");
    claims["roles"] = json!(["admin"]);
    let principal = world.verify(&key.sign(&claims)).await.unwrap();
    assert!(!principal.is_admin());
    world
        .accounts
        .set_roles(principal.user, &[Role::Admin])
        .await
        .unwrap();
    let elsewhere = world
        .another(AuthConfig {
            issuers: world.accounts.config().issuers.clone(),
            ..cheap()
        })
        .await;
    assert!(
        elsewhere
            .authenticator()
            .verify(&key.sign(&claims), now())
            .await
            .unwrap()
            .is_admin()
    );
    world.accounts.suspend(principal.user).await.unwrap();
    assert_eq!(world.verify(&key.sign(&claims)).await, Err(AuthError::Suspended));
}

#[tokio::test]
async fn a_token_for_others_or_from_others_is_refused() {
    let key = Key::ed25519("a");
    let (world, _) = world(&[&key], 30).await;
    assert!(world.verify(&key.sign(&claims("ada"))).await.is_ok());
    let later = now().timestamp() + 600;
    for (field, value, error) in [
        ("aud", json!("other"), AuthError::Invalid),
        ("aud", json!(null), AuthError::Invalid),
        ("iss", json!("https://evil.example.org/"), AuthError::Invalid),
        ("iss", json!([ISSUER]), AuthError::Invalid),
        ("iss", json!("tidings"), AuthError::Invalid),
        ("sub", json!(""), AuthError::Invalid),
        ("sub", json!("a\u{0}"), AuthError::Invalid),
        ("sub", json!(null), AuthError::Invalid),
        ("nbf", json!(later), AuthError::Invalid),
        ("exp", json!(null), AuthError::Invalid),
        ("exp", json!(1e300), AuthError::Invalid),
        ("exp", json!(1000), AuthError::Expired),
    ] {
        let mut claims = claims("ada");
        claims[field] = value.clone();
        assert_eq!(
            world.verify(&key.sign(&claims)).await,
            Err(error),
            "{field} {value}"
        );
    }
    let imposter = Key::ed25519("a");
    assert_eq!(
        world.verify(&imposter.sign(&claims("ada"))).await,
        Err(AuthError::Invalid)
    );
    assert_eq!(world.text("SELECT count(*)::text FROM account").await, "1");
}

#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let keys = [Key::rsa("rsa"), Key::ed25519("ed")];
    let (world, _) = world(&keys.each_ref(), 30).await;
    assert!(world.verify(&keys[0].sign(&claims("ada"))).await.is_ok());
    let public = keys[0].public();
    let modulus = public["n"].as_str().unwrap();
    for kid in ["rsa", "ed"] {
        for secret in [
            modulus.as_bytes(),
            public.to_string().as_bytes(),
            include_bytes!("rsa.pem").as_slice(),
        ] {
            for issuer in [ISSUER, "tidings"] {
                let mut header = Header::new(Algorithm::HS256);
                header.kid = Some(kid.to_owned());
                let mut claims = claims("ada");
                claims["iss"] = json!(issuer);
                let forged = encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
                assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid));
            }
        }
    }
    // A key is for one algorithm, and its name does not make it another.
    let mut header = Header::new(Algorithm::RS512);
    header.kid = Some("rsa".to_owned());
    let forged = encode(&header, &claims("ada"), &keys[0].secret).unwrap();
    assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid));
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("rsa".to_owned());
    let forged = encode(&header, &claims("ada"), &keys[1].secret).unwrap();
    assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid));
    // Nor does a token bring the key that it is to be verified with.
    let own = Key::ed25519("own");
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("own".to_owned());
    header.jwk = serde_json::from_value(own.public()).unwrap();
    let forged = encode(&header, &claims("ada"), &own.secret).unwrap();
    assert_eq!(world.verify(&forged).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn a_new_key_is_looked_for_and_a_withdrawn_one_is_forgotten() {
    let (old, new) = (Key::ed25519("old"), Key::p256("new"));
    let (world, provider) = world(&[&old], 0).await;
    assert!(world.verify(&old.sign(&claims("ada"))).await.is_ok());
    provider.serve(&[&new]);
    assert!(world.verify(&new.sign(&claims("ada"))).await.is_ok());
    assert_eq!(
        world.verify(&old.sign(&claims("ada"))).await,
        Err(AuthError::Invalid)
    );
}

#[tokio::test]
async fn invented_key_names_do_not_make_us_a_flood() {
    let key = Key::ed25519("a");
    let (world, provider) = world(&[&key], 3600).await;
    assert!(world.verify(&key.sign(&claims("ada"))).await.is_ok());
    eventually("the fetch at the start", async || {
        (provider.fetches.load(Ordering::Relaxed) > 0).then_some(())
    })
    .await;
    let invented = Key::ed25519("invented").sign(&claims("ada"));
    assert_eq!(world.verify(&invented).await, Err(AuthError::Invalid));
    let fetches = provider.fetches.load(Ordering::Relaxed);
    let many = futures_util::future::join_all((0..50).map(|_| world.verify(&invented))).await;
    assert!(many.iter().all(|answer| *answer == Err(AuthError::Invalid)));
    assert_eq!(provider.fetches.load(Ordering::Relaxed), fetches);
}

#[tokio::test]
async fn while_the_issuer_is_away_its_users_are_asked_to_wait() {
    let key = Key::ed25519("a");
    let (world, provider) = world(&[], 0).await;
    assert_eq!(
        world.verify(&key.sign(&claims("ada"))).await,
        Err(AuthError::Unavailable)
    );
    provider.serve(&[&key]);
    assert!(world.verify(&key.sign(&claims("ada"))).await.is_ok());
    // Keys that are known outlast their issuer.
    provider.serve(&[]);
    assert!(world.verify(&key.sign(&claims("ada"))).await.is_ok());
}

#[tokio::test]
async fn whose_account_is_deleted_is_not_made_another_by_their_issuer() {
    let key = Key::ed25519("a");
    let (world, _) = world(&[&key], 30).await;
    let token = key.sign(&claims("ada"));
    let principal = world.verify(&token).await.unwrap();
    let http = world.serve().await;
    let request = http.client.post(format!("{}/auth/delete", http.base));
    let body = json!({ "password": "anything" });
    let refused = http.send(request.bearer_auth(&token).json(&body)).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));

    assert!(world.accounts.delete(principal.user).await.unwrap());
    assert_eq!(world.verify(&token).await, Err(AuthError::Ended));
    // A node that never saw them asks the database.
    let elsewhere = world
        .another(AuthConfig {
            issuers: world.accounts.config().issuers.clone(),
            ..cheap()
        })
        .await;
    let verified = elsewhere.authenticator().verify(&token, now()).await;
    assert_eq!(verified, Err(AuthError::Ended));
    assert_eq!(world.text("SELECT count(*)::text FROM account").await, "1");
}
