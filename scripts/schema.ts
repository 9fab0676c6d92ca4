#!/usr/bin/env bun
import { configSchema } from "../src/config/json-schema.ts"
import { drivers } from "../src/plugins/drivers/index.ts"
import { healths } from "../src/plugins/healths/index.ts"
import { outputs } from "../src/plugins/outputs/index.ts"
import { restarters } from "../src/plugins/restarters/index.ts"

/** Writes config/schema.json, which editors use, from the schemas of the loader and of all plug-ins. */
const schema = configSchema({ drivers, outputs, restarters, healths })
await Bun.write(
  new URL("../config/schema.json", import.meta.url),
  `${JSON.stringify(schema, null, 2)}\n`,
)
