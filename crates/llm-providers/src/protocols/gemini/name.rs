//! Members that have two spellings: Google takes `lowerCamelCase` and `snake_case` alike and answers in the first.
//!
//! A member that was taken under its `snake_case` name leaves a null there, as a hint of how it was spelled, and is
//! written back under that name.

use llm_core::Result;
use llm_core::fields::Fields;
use serde_json::{Map, Value};

/// The two spellings of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) camel: &'static str,
    pub(super) snake: &'static str,
}

macro_rules! names {
    ($($name:ident = $camel:literal, $snake:literal;)+) => {
        $(pub(super) const $name: Name = Name { camel: $camel, snake: $snake };)+
    };
}

names! {
    SYSTEM_INSTRUCTION = "systemInstruction", "system_instruction";
    GENERATION_CONFIG = "generationConfig", "generation_config";
    CACHED_CONTENT = "cachedContent", "cached_content";
    TOOL_CONFIG = "toolConfig", "tool_config";
    SERVICE_TIER = "serviceTier", "service_tier";
    FUNCTION_CALLING_CONFIG = "functionCallingConfig", "function_calling_config";
    ALLOWED_FUNCTION_NAMES = "allowedFunctionNames", "allowed_function_names";
    FUNCTION_DECLARATIONS = "functionDeclarations", "function_declarations";
    PARAMETERS_JSON_SCHEMA = "parametersJsonSchema", "parameters_json_schema";
    INLINE_DATA = "inlineData", "inline_data";
    FILE_DATA = "fileData", "file_data";
    FILE_URI = "fileUri", "file_uri";
    MIME_TYPE = "mimeType", "mime_type";
    FUNCTION_CALL = "functionCall", "function_call";
    FUNCTION_RESPONSE = "functionResponse", "function_response";
    WILL_CONTINUE = "willContinue", "will_continue";
    PARTIAL_ARGS = "partialArgs", "partial_args";
    EXECUTABLE_CODE = "executableCode", "executable_code";
    CODE_EXECUTION_RESULT = "codeExecutionResult", "code_execution_result";
    TOOL_CALL = "toolCall", "tool_call";
    TOOL_RESPONSE = "toolResponse", "tool_response";
    TOOL_TYPE = "toolType", "tool_type";
    THOUGHT_SIGNATURE = "thoughtSignature", "thought_signature";
    TOP_P = "topP", "top_p";
    TOP_K = "topK", "top_k";
    CANDIDATE_COUNT = "candidateCount", "candidate_count";
    MAX_OUTPUT_TOKENS = "maxOutputTokens", "max_output_tokens";
    STOP_SEQUENCES = "stopSequences", "stop_sequences";
    PRESENCE_PENALTY = "presencePenalty", "presence_penalty";
    FREQUENCY_PENALTY = "frequencyPenalty", "frequency_penalty";
    RESPONSE_LOGPROBS = "responseLogprobs", "response_logprobs";
    RESPONSE_MIME_TYPE = "responseMimeType", "response_mime_type";
    RESPONSE_JSON_SCHEMA = "responseJsonSchema", "response_json_schema";
    RESPONSE_SCHEMA = "responseSchema", "response_schema";
    RESPONSE_MODALITIES = "responseModalities", "response_modalities";
    THINKING_CONFIG = "thinkingConfig", "thinking_config";
    THINKING_BUDGET = "thinkingBudget", "thinking_budget";
    THINKING_LEVEL = "thinkingLevel", "thinking_level";
    INCLUDE_THOUGHTS = "includeThoughts", "include_thoughts";
    GENERATE_CONTENT_REQUEST = "generateContentRequest", "generate_content_request";
    DISPLAY_NAME = "displayName", "display_name";
    INPUT_CONFIG = "inputConfig", "input_config";
    FILE_NAME = "fileName", "file_name";
    TASK_TYPE = "taskType", "task_type";
    OUTPUT_DIMENSIONALITY = "outputDimensionality", "output_dimensionality";
}

impl Name {
    /// The spelling under which the member stands; the first where it does not.
    pub(super) fn of(self, fields: &Fields) -> &'static str {
        let has = |name| fields.get(name).is_some_and(|value| !value.is_null());
        if !has(self.camel) && has(self.snake) { self.snake } else { self.camel }
    }

    /// The value, under either name.
    pub(super) fn get(self, fields: &Fields) -> Option<&Value> {
        fields.get(self.of(fields)).filter(|value| !value.is_null())
    }

    /// The value in a plain object, under either name.
    pub(super) fn find(self, object: &Map<String, Value>) -> Option<&Value> {
        object.get(self.camel).or_else(|| object.get(self.snake)).filter(|value| !value.is_null())
    }

    /// Takes the member with one of the `take_*` of [`Fields`].
    pub(super) fn take<T>(self, fields: &mut Fields, take: impl FnOnce(&mut Fields, &str) -> Option<T>) -> Option<T> {
        let name = self.of(fields);
        let taken = take(fields, name)?;
        self.hint(fields, name);
        Some(taken)
    }

    /// Takes the member with one of the `want_*` of [`Fields`].
    pub(super) fn want<T>(
        self,
        fields: &mut Fields,
        want: impl FnOnce(&mut Fields, &str) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let name = self.of(fields);
        let taken = want(fields, name)?;
        if taken.is_some() {
            self.hint(fields, name);
        }
        Ok(taken)
    }

    fn hint(self, fields: &mut Fields, name: &str) {
        if name == self.snake {
            fields.put(name, Value::Null);
        }
    }

    /// Leaves a value where the member stood, in the same spelling.
    pub(super) fn leave(self, fields: &mut Fields, value: Value) {
        let name = if fields.get(self.snake).is_some() { self.snake } else { self.camel };
        fields.put(name, value);
    }

    /// The spelling that an object uses, or hints at.
    pub(super) fn in_object(self, object: &Map<String, Value>) -> &'static str {
        if object.contains_key(self.snake) && !object.contains_key(self.camel) { self.snake } else { self.camel }
    }

    /// Writes the member, spelled as the object hints.
    pub(super) fn set(self, object: &mut Map<String, Value>, value: impl Into<Value>) {
        object.insert(self.in_object(object).to_owned(), value.into());
    }

    /// Takes what is kept of the member out of an object that is being written, and says how it is spelled.
    pub(super) fn remove(self, object: &mut Map<String, Value>) -> (&'static str, Option<Value>) {
        let name = self.in_object(object);
        (name, object.shift_remove(name))
    }
}
