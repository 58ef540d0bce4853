//! `cargo xtask token`: a token as Better Auth would issue it, for development.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use tools_kit::{environment::Variables, token};

/// The longest life of a token that is made by hand.
const LONGEST: Duration = Duration::from_hours(24 * 365);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The user that the token speaks for, such as `demo`, the user that `cargo xtask dev` makes
    #[arg(long, value_name = "ID", value_parser = user)]
    user: String,
    /// How long it is valid: a number and a unit, such as 30s, 15m, 1h or 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time_to_live)]
    ttl: Duration,
}

/// Prints a token and nothing else, so that it can stand in `$(cargo xtask token --user demo)`.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let variables = Variables::load()?;
    variables.refuse_production("only Better Auth issues tokens")?;
    println!("{}", token::issue(&variables.token_secret()?, &args.user, args.ttl)?);
    Ok(ExitCode::SUCCESS)
}

fn user(text: &str) -> Result<String, String> {
    task_domain::UserId::parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn time_to_live(text: &str) -> anyhow::Result<Duration> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (Ok(number), unit) = (digits.parse::<u64>(), &text[digits.len()..]) else {
        bail!("it is a number and a unit, such as 30s, 15m, 1h or 7d");
    };
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => bail!("it is a number and a unit (s, m, h or d), such as 30s, 15m, 1h or 7d"),
    };
    let ttl = Duration::from_secs(number.saturating_mul(unit));
    if ttl.is_zero() || ttl > LONGEST {
        bail!("it is more than nothing and at most 365d");
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_and_a_unit() {
        assert_eq!(time_to_live("30s").unwrap(), Duration::from_secs(30));
        assert_eq!(time_to_live("90m").unwrap(), Duration::from_mins(90));
        assert_eq!(time_to_live("1h").unwrap(), Duration::from_hours(1));
        assert_eq!(time_to_live("7d").unwrap(), Duration::from_hours(7 * 24));
    }

    #[test]
    fn other_times_are_explained() {
        for text in ["", "h", "60", "1 h", "1h30m", "-1h", "1.5h", "1w", "é", "99999999999999999999s"] {
            let error = time_to_live(text).unwrap_err().to_string();
            assert!(error.contains("such as 30s"), "{text}: {error}");
        }
        for text in ["0s", "366d", "18446744073709551615d"] {
            let error = time_to_live(text).unwrap_err().to_string();
            assert!(error.contains("at most 365d"), "{text}: {error}");
        }
    }
}
