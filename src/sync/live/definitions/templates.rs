//! Names of intents, by the templates that the intents were made from.

use std::collections::{BTreeMap, HashSet};

use super::{Definitions, State, TEMPLATES, parsed};
use crate::{
    definitions::Definition,
    graph::{GraphError, segment},
    json,
    policy::PolicyDocument,
    report::now,
};

impl Definitions {
    /// Reads the templates of these intents, each once in a run.
    pub(super) async fn of_templates(
        &self,
        state: &mut State,
        documents: &[PolicyDocument],
        used: &[Vec<String>],
        missing: Vec<String>,
    ) -> Result<(), GraphError> {
        let mut missing: HashSet<String> = missing.into_iter().collect();
        let of_missing = documents.iter().zip(used).filter(|(_, used)| used.iter().any(|id| missing.contains(id)));
        let templates: Vec<String> = of_missing
            .filter_map(|(document, _)| {
                let text = std::str::from_utf8(&document.json).ok()?;
                json::text(&json::properties(text).ok()?, "templateId").filter(|id| !id.is_empty())
            })
            .filter(|template| state.templates.insert(template.clone()))
            .collect();
        for template in templates {
            let base = format!("{TEMPLATES}/{}/categories", segment(&template));
            let categories = match self.client.list(&base).await {
                Err(GraphError::NotFound { .. }) => continue,
                categories => categories?,
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
            missing.retain(|id| !read.contains_key(id));
            self.store(read.into_iter().collect(), now()).await;
        }
        self.keep_unknown(missing, now()).await;
        Ok(())
    }
}
