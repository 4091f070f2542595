use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest model name accepted: the width of the `model` column of existing deployments.
pub const MODEL_NAME_MAX_LENGTH: usize = 50;

/// A model's name: ASCII letters, digits, `.`, `-` and `_`, so that it is safe in a URL path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(String);

/// The text is no model name TESTER can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a model name has 1 to 50 ASCII letters, digits, dots, hyphens and underscores")]
pub struct InvalidModelName;

impl ModelName {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`InvalidModelName`] when it is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, InvalidModelName> {
        let fits = (1..=MODEL_NAME_MAX_LENGTH).contains(&text.len());
        let clean = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        // Dots alone would climb out of the URL path that the name is put into.
        let names_something = text.bytes().any(|byte| byte.is_ascii_alphanumeric());
        (fits && clean && names_something).then(|| Self(text.to_owned())).ok_or(InvalidModelName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidModelName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0
    }
}

/// Whether a model still takes `temperature`, `topP` and `topK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// Up to Gemini 3.5: the parameters take effect.
    Tunable,
    /// From Gemini 3.6 on: ignored, and refused later; never sent.
    Fixed,
}

/// One model on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name at the provider.
    pub name: ModelName,
    /// Whether sampling parameters are sent to it.
    pub sampling: Sampling,
}

/// What requests, answers and the history call the built-in engine, beside the names of models.
pub const BUILTIN_NAME: &str = "builtin";

/// Who writes the tests of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A model behind an API.
    Model(Model),
    /// The built-in engine, which needs no model: it explores the code in a sandbox.
    Builtin,
}

impl Writer {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Model(model) => model.name.as_str(),
            Self::Builtin => BUILTIN_NAME,
        }
    }
}

/// Whether the built-in engine can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuiltinOffer {
    /// It is not on offer.
    #[default]
    Withheld,
    /// Whoever names it gets it.
    BesideModels,
    /// It is all there is to ask, and so the default: there is no key for a model.
    Alone,
}

/// Who writes tests here: the models on offer, the default, the names of models that were shut down,
/// and the built-in engine.
///
/// The lists are configuration, for models come and go faster than releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCatalog {
    models: Vec<Model>,
    default: ModelName,
    successors: BTreeMap<ModelName, ModelName>,
    builtin: BuiltinOffer,
}

/// Why a catalog contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogProblem {
    /// The default is neither on offer nor has a successor that is.
    #[error("the default model {0} is not in the list of models")]
    UnknownDefault(ModelName),
    /// A successor is not on offer.
    #[error("the successor {successor} of {retired} is not in the list of models")]
    UnknownSuccessor {
        /// The name old clients send.
        retired: ModelName,
        /// What it was to be replaced by.
        successor: ModelName,
    },
    /// A model has the name of the built-in engine.
    #[error("{BUILTIN_NAME} is the name of the built-in engine")]
    NamedLikeBuiltin,
}

impl ModelCatalog {
    /// Puts a catalog together.
    ///
    /// # Errors
    ///
    /// [`CatalogProblem`] when the default or a successor is not among the models, or a model has
    /// the built-in engine's name.
    pub fn new(
        models: Vec<Model>,
        default: &ModelName,
        successors: BTreeMap<ModelName, ModelName>,
    ) -> Result<Self, CatalogProblem> {
        let offered = |name: &ModelName| models.iter().any(|model| model.name == *name);
        let names = models.iter().map(|model| &model.name).chain(successors.keys());
        if names.into_iter().any(|name| name.as_str() == BUILTIN_NAME) {
            return Err(CatalogProblem::NamedLikeBuiltin);
        }
        for (retired, successor) in &successors {
            if !offered(successor) {
                return Err(CatalogProblem::UnknownSuccessor {
                    retired: retired.clone(),
                    successor: successor.clone(),
                });
            }
        }
        let default = successors.get(default).unwrap_or(default).clone();
        if !offered(&default) {
            return Err(CatalogProblem::UnknownDefault(default));
        }
        Ok(Self { models, default, successors, builtin: BuiltinOffer::default() })
    }

    /// The same with the built-in engine on offer, or not.
    #[must_use]
    pub fn with_builtin(self, builtin: BuiltinOffer) -> Self {
        Self { builtin, ..self }
    }

    /// Who writes the tests of a request: the default when it names nobody, the successor of a name
    /// that was shut down, `None` for a name never heard of.
    #[must_use]
    pub fn resolve(&self, requested: Option<&str>) -> Option<Writer> {
        let name = requested.unwrap_or_else(|| self.default_name());
        if name == BUILTIN_NAME {
            return (self.builtin != BuiltinOffer::Withheld).then_some(Writer::Builtin);
        }
        let name = ModelName::parse(name).ok()?;
        self.find(self.successors.get(&name).unwrap_or(&name)).cloned().map(Writer::Model)
    }

    /// The models of the configuration, in its order.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The names of all that can be asked here: models in the order of the configuration, the
    /// built-in engine last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (models, builtin) = match self.builtin {
            BuiltinOffer::Withheld => (&self.models[..], None),
            BuiltinOffer::BesideModels => (&self.models[..], Some(BUILTIN_NAME)),
            BuiltinOffer::Alone => (&[][..], Some(BUILTIN_NAME)),
        };
        models.iter().map(|model| model.name.as_str()).chain(builtin)
    }

    /// The name of who writes when a request names nobody.
    #[must_use]
    pub fn default_name(&self) -> &str {
        match self.builtin {
            BuiltinOffer::Alone => BUILTIN_NAME,
            BuiltinOffer::Withheld | BuiltinOffer::BesideModels => self.default.as_str(),
        }
    }

    fn find(&self, name: &ModelName) -> Option<&Model> {
        self.models.iter().find(|model| model.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ModelName {
        ModelName::parse(text).expect("a valid name")
    }

    fn catalog() -> ModelCatalog {
        let models = vec![
            Model { name: name("gemini-3.8-flash"), sampling: Sampling::Fixed },
            Model { name: name("gemini-3.5-flash"), sampling: Sampling::Tunable },
        ];
        let successors = BTreeMap::from([(name("gemini-2.5-flash"), name("gemini-3.8-flash"))]);
        ModelCatalog::new(models, &name("gemini-3.5-flash"), successors).expect("a sound catalog")
    }

    #[test]
    fn a_request_gets_its_model_the_default_or_the_successor() {
        let catalog = catalog();
        let resolve = |requested| {
            let writer = catalog.resolve(requested);
            writer.map(|writer| writer.name().to_owned())
        };
        assert_eq!(resolve(None).as_deref(), Some("gemini-3.5-flash"));
        assert_eq!(resolve(Some("gemini-3.8-flash")).as_deref(), Some("gemini-3.8-flash"));
        assert_eq!(resolve(Some("gemini-2.5-flash")).as_deref(), Some("gemini-3.8-flash"));
        assert_eq!(resolve(Some("gpt")), None);
        assert_eq!(resolve(Some("../../v1/files")), None);
        assert_eq!(resolve(Some("builtin")), None);
    }

    #[test]
    fn the_built_in_engine_is_there_for_whoever_names_it_where_it_is_on_offer() {
        let catalog = catalog().with_builtin(BuiltinOffer::BesideModels);
        assert_eq!(catalog.resolve(Some("builtin")), Some(Writer::Builtin));
        assert_eq!(catalog.default_name(), "gemini-3.5-flash");
        let names: Vec<_> = catalog.names().collect();
        assert_eq!(names, ["gemini-3.8-flash", "gemini-3.5-flash", "builtin"]);
    }

    #[test]
    fn where_no_model_can_be_asked_the_built_in_engine_is_the_default() {
        let catalog = catalog().with_builtin(BuiltinOffer::Alone);
        assert_eq!(catalog.resolve(None), Some(Writer::Builtin));
        assert_eq!(catalog.names().collect::<Vec<_>>(), ["builtin"]);
    }

    #[test]
    fn no_model_may_have_the_built_in_engines_name() {
        let models = vec![Model { name: name("builtin"), sampling: Sampling::Fixed }];
        assert_eq!(
            ModelCatalog::new(models, &name("builtin"), BTreeMap::new()),
            Err(CatalogProblem::NamedLikeBuiltin)
        );
    }

    #[test]
    fn names_that_would_change_a_url_are_refused() {
        for text in ["", ".", "..", "a/b", "a?b", "a b", "한글", &"x".repeat(51)] {
            assert_eq!(ModelName::parse(text), Err(InvalidModelName), "{text:?}");
        }
    }

    #[test]
    fn a_catalog_that_contradicts_itself_is_refused() {
        let models = vec![Model { name: name("a"), sampling: Sampling::Fixed }];
        assert_eq!(
            ModelCatalog::new(models.clone(), &name("b"), BTreeMap::new()),
            Err(CatalogProblem::UnknownDefault(name("b")))
        );
        let successors = BTreeMap::from([(name("old"), name("gone"))]);
        assert!(matches!(
            ModelCatalog::new(models, &name("a"), successors),
            Err(CatalogProblem::UnknownSuccessor { .. })
        ));
    }
}
