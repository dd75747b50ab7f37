// Makes calls of @civitai/client, each a line of JSON on standard input, and writes each answer as a line:
//
//   {"call": "getWorkflow", "options": {"path": {"workflowId": "…"}, "query": {"wait": 5}}}
//   {"status": 200, "data": {…}}
//
// `status` is null where no answer came, `error` stands in place of `data` for what is no success, and bytes are told by
// their media type, size and SHA-256. The API's address is the first argument, the token comes from CIVITAI_API_TOKEN.
import { createHash } from "node:crypto";
import { register } from "node:module";
import { createInterface } from "node:readline";

register("./bundled.mjs", import.meta.url);
const civitai = await import("@civitai/client");
const client = civitai.createCivitaiClient({ baseUrl: process.argv[2], auth: process.env.CIVITAI_API_TOKEN });

async function written(data) {
  if (!(data instanceof Blob)) return data;
  const bytes = Buffer.from(await data.arrayBuffer());
  return { mediaType: data.type, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { call, options } = JSON.parse(line);
  const { data, error, response } = await civitai[call]({ client, ...options });
  const status = response?.status ?? null;
  const told = error instanceof Error ? error.message : error;
  console.log(JSON.stringify(response?.ok ? { status, data: await written(data) } : { status, error: told }));
}
