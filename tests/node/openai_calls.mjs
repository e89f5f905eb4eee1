// Calls a provider through the gateway with the official OpenAI SDK for Node.
//
//     node openai_calls.mjs PROVIDER

import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { City, said, walk } from "./ways.mjs";

const messages = [{ role: "user", content: "Hello" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const weather = ({ city }) => `sunny in ${city}`;

function client(apiKey) {
  return new OpenAI({ apiKey, maxRetries: 0, timeout: 20_000 });
}

function chat(key) {
  const { completions } = client(key).chat;
  const answer = ({ choices: [{ message }], usage }) => said(message.content, usage.prompt_tokens, usage.completion_tokens);
  return {
    whole: async (model) => answer(await completions.create({ model, messages })),
    stream: async (model) =>
      answer(await completions.stream({ model, messages, stream_options: { include_usage: true } }).finalChatCompletion()),
    tools: async (model) => {
      const asked = [];
      const run = (input) => asked.push(input) && weather(input);
      const tool = { name: "weather", description: "The weather in a city", parameters, parse: JSON.parse, function: run };
      const runner = completions.runTools({ model, messages, tools: [{ type: "function", function: tool }] });
      return { asked, text: await runner.finalContent() };
    },
    structured: async (model) => {
      const answered = await completions.parse({ model, messages, response_format: zodResponseFormat(City, "city") });
      return answered.choices[0].message.parsed;
    },
  };
}

function responses(key) {
  const { responses } = client(key);
  const answer = ({ output_text, usage }) => said(output_text, usage.input_tokens, usage.output_tokens);
  return {
    whole: async (model) => answer(await responses.create({ model, input: "Hello" })),
    stream: async (model) => answer(await responses.stream({ model, input: "Hello" }).finalResponse()),
    tools: async (model) => {
      const tools = [{ type: "function", name: "weather", description: "The weather in a city", parameters, strict: true }];
      const asked = await responses.create({ model, input: messages, tools });
      const calls = asked.output.filter((item) => item.type === "function_call");
      const inputs = calls.map((call) => JSON.parse(call.arguments));
      const results = calls.map(({ call_id }, index) => {
        return { type: "function_call_output", call_id, output: weather(inputs[index]) };
      });
      const input = [...messages, ...asked.output, ...results];
      return { asked: inputs, ...answer(await responses.create({ model, input, tools })) };
    },
    structured: async (model) => {
      const text = { format: zodTextFormat(City, "city") };
      return (await responses.parse({ model, input: "Hello", text })).output_parsed;
    },
  };
}

await walk({ chat, responses });
