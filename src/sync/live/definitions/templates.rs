//! Names of intents, by the templates that the intents were made from.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;

use super::{Definitions, State, TEMPLATES, asked_again_after, parsed};
use crate::{
    definitions::Definition,
    graph::{GraphError, segment},
    json,
    policy::PolicyDocument,
    report::now,
};

/// After so many templates without a single definition no more are asked for.
const MOST_IN_VAIN: usize = 20;

impl Definitions {
    /// Reads the templates of these intents, each once in a run, as long as they give names that are missing.
    pub(super) async fn of_templates(
        &self,
        state: &mut State,
        documents: &[PolicyDocument],
        used: &[Vec<String>],
        missing: Vec<String>,
    ) -> Result<(), GraphError> {
        let mut missing: HashSet<String> = missing.into_iter().collect();
        let (mut in_vain, mut any_empty) = (0, false);
        for (document, used) in documents.iter().zip(used) {
            let Some(template) = template(document).filter(|_| used.iter().any(|id| missing.contains(id))) else {
                continue;
            };
            if !state.templates.insert(template.clone()) {
                continue;
            }
            if in_vain >= MOST_IN_VAIN {
                state.given_up.insert(TEMPLATES);
                return Ok(());
            }
            let base = format!("{TEMPLATES}/{}/categories", segment(&template));
            let (categories, is_known) = match self.client.list(&base).await {
                Err(GraphError::NotFound { .. }) => (Vec::new(), false),
                categories => (categories?, true),
            };
            let categories: Vec<(String, Option<String>)> = categories
                .iter()
                .filter_map(|category| {
                    let properties = json::properties(category.get()).ok()?;
                    Some((json::text(&properties, "id")?, json::text(&properties, "displayName")))
                })
                .collect();
            let paths = categories.iter().map(|(id, _)| format!("{base}/{}/settingDefinitions", segment(id))).collect();
            let mut read = BTreeMap::new();
            for ((_, category), list) in categories.iter().zip(self.client.batch_lists(paths).await) {
                for listed in list?.iter().filter_map(parsed) {
                    let definition = Definition { category: category.clone(), ..listed.definition };
                    read.insert(listed.id, definition);
                }
            }
            any_empty |= is_known && read.is_empty();
            in_vain = if read.is_empty() { in_vain + 1 } else { 0 };
            missing.retain(|id| !read.contains_key(id));
            self.store(read.into_iter().collect(), now()).await;
        }
        // a template that is there and holds nothing says little of what is missing
        self.keep_unknown(missing, if any_empty { asked_again_after(TimeDelta::hours(1)) } else { now() }).await;
        Ok(())
    }
}

/// The template that an intent was made from.
fn template(intent: &PolicyDocument) -> Option<String> {
    let text = std::str::from_utf8(&intent.json).ok()?;
    json::text(&json::properties(text).ok()?, "templateId").filter(|id| !id.is_empty())
}
