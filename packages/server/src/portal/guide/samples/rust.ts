import type { Sample } from './sample.ts'

export const rust: Sample = {
  id: 'rust',
  title: 'Rust',
  needs:
    'the crates ureq 3 (with the feature json) and serde_json 1: `cargo add ureq --features json && cargo add serde_json`',
  file: 'main.rs',
  code: (tokenEndpoint) => `use std::env::var;
use std::time::{Duration, Instant};

struct Tokens {
    kept: Option<(String, Instant)>,
}

impl Tokens {
    /// A token that lives for a minute at least; a new one only when there is none.
    fn token(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        if let Some((value, until)) = &self.kept {
            if Instant::now() < *until {
                return Ok(value.clone());
            }
        }
        let (id, secret) = (var("LATCHKEY_CLIENT_ID")?, var("LATCHKEY_CLIENT_SECRET")?);
        let answer: serde_json::Value = ureq::post("${tokenEndpoint}")
            .send_form([
                ("grant_type", "client_credentials"),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
            ])?
            .body_mut()
            .read_json()?;
        let value = answer["access_token"].as_str().ok_or("no access_token")?.to_string();
        let lives = answer["expires_in"].as_u64().ok_or("no expires_in")?;
        self.kept = Some((value.clone(), Instant::now() + Duration::from_secs(lives.saturating_sub(60))));
        Ok(value)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut tokens = Tokens { kept: None };
    let body = ureq::get(var("API_URL")?)
        .header("Authorization", format!("Bearer {}", tokens.token()?))
        .call()?
        .body_mut()
        .read_to_string()?;
    println!("{body}");
    Ok(())
}
`,
}
