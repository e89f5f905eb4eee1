// What every client is asked to do; the Python programs' `ways.py` says it in the same words.
//
// A way is made from a key and has `whole`, `stream`, `tools` and `structured`, each of a model's name.

import { z } from "zod";

export const OPENAI_URL = process.env.OPENAI_BASE_URL;
export const ANTHROPIC_URL = process.env.ANTHROPIC_BASE_URL;
export const City = z.object({ name: z.string(), inhabitants: z.number() });
const PROVIDER = process.argv[2];
// The case that each is called in, which is the model's name for the provider behind the gateway.
const CASES = { whole: "text", stream: "text", tools: "round", structured: "structured" };

/** An answer and what it counted. */
export function said(text, input, output) {
  return { text, usage: { input, output } };
}

/** What `call` gives, or what it raises. */
async function attempt(call) {
  try {
    return await call();
  } catch (raised) {
    // What was raised first, where a client wraps it.
    const cause = raised.lastError ?? raised;
    const name = cause.name === "Error" ? cause.constructor.name : cause.name;
    return { raised: name, message: String(cause), status_code: cause.status ?? cause.statusCode };
  }
}

async function found(way) {
  const [known, stranger] = [way(process.env.OPENAI_API_KEY), way("sk-nobody")];
  const answers = {};
  for (const [what, name] of Object.entries(CASES)) {
    answers[what] = await attempt(() => known[what](`${PROVIDER}:${name}`));
  }
  const errors = {
    wrong_key: await attempt(() => stranger.whole(`${PROVIDER}:text`)),
    unknown_name: await attempt(() => known.whole("nonesuch")),
    too_many: await attempt(() => known.whole(`${PROVIDER}:429`)),
    too_many_streamed: await attempt(() => known.stream(`${PROVIDER}:429`)),
  };
  return { ...answers, errors };
}

/** Goes every way and prints what the client made of the answers and of the errors. */
export async function walk(ways) {
  const all = {};
  for (const [name, way] of Object.entries(ways)) all[name] = await found(way);
  console.log(JSON.stringify(all));
}
