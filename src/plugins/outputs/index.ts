import { awsParameter } from "./aws_parameter.ts"
import { awsSecret } from "./aws_secret.ts"
import { dotenv } from "./dotenv/index.ts"
import { folder } from "./folder/index.ts"
import { json } from "./json.ts"
import { template } from "./template.ts"
import { vault } from "./vault.ts"
import { yaml } from "./yaml.ts"

/**
 * Every output in the binary. To add one: a file (or a folder) beside this one, a line here and one
 * in ../named.ts.
 */
export const outputs = [
  awsParameter,
  awsSecret,
  dotenv,
  folder,
  json,
  template,
  vault,
  yaml,
] as const
