//! Reads variables and collects all faults, so that one error names all of them.

use std::{fmt, str::FromStr};

use config::Config;

use crate::{
    quoted::quoted,
    variables::{VARIABLES, Variable},
};

/// A variable with an invalid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with the value. Never the value of a secret.
    pub problem: String,
    /// A value that works; empty if it is not about one value.
    pub example: &'static str,
}

/// Why the program does not start with its settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSettings {
    /// All faults.
    pub faults: Vec<SettingFault>,
    /// Lines of `.env` that were left out, each in a sentence: what is missing may stand there.
    pub remarks: Vec<String>,
}

impl InvalidSettings {
    /// With these remarks before its own.
    pub(crate) fn with(self, mut remarks: Vec<String>) -> Self {
        remarks.extend(self.remarks);
        Self { remarks, ..self }
    }
}

impl From<Vec<SettingFault>> for InvalidSettings {
    fn from(faults: Vec<SettingFault>) -> Self {
        Self { faults, remarks: Vec::new() }
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The settings cannot be used:")?;
        for SettingFault { variable, problem, example } in &self.faults {
            write!(f, "\n  {variable} {problem}")?;
            if !example.is_empty() {
                write!(f, "\n      for example: {variable}={example}")?;
            }
        }
        self.remarks.iter().try_for_each(|remark| write!(f, "\n  {remark}"))
    }
}

/// Reads typed values from variables.
pub(crate) struct Reader {
    config: Config,
    faults: Vec<SettingFault>,
    remarks: Vec<String>,
}

impl Reader {
    /// Takes the variables. Of two with the same name, the later one counts; an empty one counts as not set.
    pub(crate) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let given = variables.into_iter().filter(|(_, value)| !value.trim().is_empty());
        let mut builder = Config::builder();
        for Variable { name, default, .. } in VARIABLES {
            if let Some(default) = default {
                builder = set(builder, name, default);
            }
        }
        for (name, value) in given {
            if VARIABLES.iter().any(|variable| variable.name == name) {
                builder = set(builder, &name, &value);
            }
        }
        Self { config: builder.build().unwrap_or_default(), faults: Vec::new(), remarks: Vec::new() }
    }

    /// The text of a variable without surrounding white space; `None` if it is not set.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.exact_text(name).map(|value| value.trim().to_owned())
    }

    /// The exact text of a variable; `None` if it is not set.
    pub(crate) fn exact_text(&self, name: &str) -> Option<String> {
        self.config.get_string(name).ok()
    }

    /// The text of a variable; notes a fault if it is not set.
    pub(crate) fn required(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.fault(name, "must be set");
        }
        text
    }

    /// The parsed value of a variable; `None` if it is not set or invalid.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fault(name, if is_quoted(&text) { QUOTED.to_owned() } else { problem });
                None
            }
        }
    }

    /// A whole number within bounds; the lower bound if it is invalid.
    pub(crate) fn number<T>(&mut self, name: &'static str, least: T, most: T) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.optional_number(name, least, most).unwrap_or(least)
    }

    /// A whole number within bounds; `None` if it is not set or invalid.
    pub(crate) fn optional_number<T>(&mut self, name: &'static str, least: T, most: T) -> Option<T>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.parsed(name, |text| match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("must be a whole number from {least} to {most}, not {}", quoted(text, text))),
        })
    }

    /// Notes a fault of a variable.
    pub(crate) fn fault(&mut self, name: &'static str, problem: impl Into<String>) {
        let example =
            VARIABLES.iter().find(|variable| variable.name == name).map_or("", |variable| variable.example);
        self.faults.push(SettingFault { variable: name, problem: problem.into(), example });
    }

    /// Makes remarks of the faults that `read` notes, and answers `None` then: what it reads can be done without.
    pub(crate) fn without_faults<T>(
        &mut self,
        done_without: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let before = self.faults.len();
        let value = read(self);
        let faults = self.faults.split_off(before);
        let value = value.filter(|_| faults.is_empty());
        self.remarks.extend(
            faults.into_iter().map(|SettingFault { variable, problem, .. }| {
                format!("{done_without}: {variable} {problem}")
            }),
        );
        value
    }

    /// What was left out of account so far.
    pub(crate) fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Returns `settings`, or all faults if there are any.
    pub(crate) fn finish<T>(self, settings: Option<T>) -> Result<T, InvalidSettings> {
        match settings {
            Some(settings) if self.faults.is_empty() => Ok(settings),
            _ => Err(self.faults.into()),
        }
    }
}

/// What is wrong with a value that is not understood and in quotation marks.
const QUOTED: &str = "is in quotation marks, which are part of it: leave them out (`docker run --env-file` keeps those of a file)";

fn is_quoted(text: &str) -> bool {
    ['"', '\''].iter().any(|mark| text.len() > 1 && text.starts_with(*mark) && text.ends_with(*mark))
}

/// A text that must be equal to another one to the character.
pub(crate) fn compared(text: &str) -> Result<String, String> {
    if is_quoted(text) { Err(QUOTED.to_owned()) } else { Ok(text.to_owned()) }
}

type Builder = config::ConfigBuilder<config::builder::DefaultState>;

fn set(builder: Builder, name: &str, value: &str) -> Builder {
    // `config` refuses only malformed names, and these come from `VARIABLES`.
    builder.clone().set_override(name, value).unwrap_or(builder)
}
