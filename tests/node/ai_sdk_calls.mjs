// Calls a provider through the gateway with the AI SDK, by each of its providers that can be pointed at one.
//
//     node ai_sdk_calls.mjs PROVIDER

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { ANTHROPIC_URL, City, OPENAI_URL, said, walk } from "./ways.mjs";

function by(chosen) {
  const ask = (model) => ({ model: chosen(model), prompt: "Hello", maxRetries: 0 });
  return {
    whole: async (model) => {
      const { text, usage } = await generateText(ask(model));
      return said(text, usage.inputTokens, usage.outputTokens);
    },
    stream: async (model) => {
      let failed;
      // Errors do not come out of a stream of text, they are told beside it.
      const answer = streamText({ ...ask(model), onError: ({ error }) => (failed = error) });
      let text = "";
      for await (const piece of answer.textStream) text += piece;
      if (failed) throw failed;
      const usage = await answer.usage;
      return said(text, usage.inputTokens, usage.outputTokens);
    },
    tools: async (model) => {
      const asked = [];
      const weather = tool({
        description: "The weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: async (input) => asked.push(input) && `sunny in ${input.city}`,
      });
      const { text } = await generateText({ ...ask(model), tools: { weather }, stopWhen: stepCountIs(3) });
      return { asked, text };
    },
    structured: async (model) => (await generateText({ ...ask(model), output: Output.object({ schema: City }) })).output,
  };
}

await walk({
  chat: (apiKey) => by(createOpenAI({ apiKey, baseURL: OPENAI_URL }).chat),
  responses: (apiKey) => by(createOpenAI({ apiKey, baseURL: OPENAI_URL }).responses),
  messages: (apiKey) => by(createAnthropic({ apiKey, baseURL: `${ANTHROPIC_URL}/v1` })),
  compatible: (apiKey) => {
    const settings = { apiKey, baseURL: OPENAI_URL, includeUsage: true, supportsStructuredOutputs: true };
    return by(createOpenAICompatible({ name: "gateway", ...settings }));
  },
});
