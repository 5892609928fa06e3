//! What the environment says of stores.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The variables that clients of the clouds' stores look at.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let all = std::env::vars_os();
        all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set, and not to nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Hands the variables of a cloud, whose names begin with `prefix`, to a builder that knows them by these names.
    pub(crate) fn configure<B, K: FromStr>(
        &self,
        prefix: &str,
        builder: B,
        with: impl Fn(B, K, &str) -> B,
    ) -> B {
        let of_cloud = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        of_cloud.fold(builder, |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => with(builder, key, value),
                Err(_) => builder,
            }
        })
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        let set = variables.into_iter().filter(|(_, value)| !value.is_empty());
        Self(set.collect())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_set_to_nothing_are_not_set_and_none_is_shown() {
        let variables = [("AWS_REGION", ""), ("AWS_SECRET_ACCESS_KEY", "topsecret")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment: Environment = variables.into_iter().collect();
        assert_eq!(environment.get("AWS_REGION"), None);
        assert_eq!(environment.get("AWS_SECRET_ACCESS_KEY"), Some("topsecret"));
        assert!(!format!("{environment:?}").contains("topsecret"));
    }
}
