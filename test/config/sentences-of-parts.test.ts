import { environment, secret } from "./fake-plugins.ts"
import {
  type Sentences,
  byReference,
  deployment,
  drivers,
  one,
  output,
  testSentences,
} from "./sentences.ts"

const cases: Sentences = {
  secrets: [
    [
      "none",
      environment("outputs: []"),
      "3:3  environments.production: this environment has no secrets\n  " +
        "hint: name at least one under `secrets`, or remove the environment\n",
    ],
    [
      "an unknown driver",
      secret("{ driver: oracle }"),
      `6:21  environments.production.secrets.db.driver: no such driver: ${drivers}\n`,
    ],
    [
      "without a driver",
      secret("{ length: 9 }"),
      `6:7  environments.production.secrets.db: required key \`driver\` is missing: ${drivers}\n`,
    ],
    [
      "a value in place of a driver",
      secret("hunter2"),
      "6:11  environments.production.secrets.db: expected the driver's name or a map with its " +
        `options: ${drivers}\n`,
    ],
    [
      "a list",
      secret("[generated]"),
      "6:7  environments.production.secrets.db: expected a map of keys\n",
    ],
    [
      "a misspelt common key",
      secret("{ driver: generated, rotate_evry: 90d }"),
      "6:32  environments.production.secrets.db: unknown key `rotate_evry`; did you mean `rotate_every`?\n",
    ],
    [
      "a misspelt option",
      secret("{ driver: generated, lenght: 40 }"),
      "6:32  environments.production.secrets.db: unknown key `lenght`; did you mean `length`?\n",
    ],
    [
      "a password",
      secret("{ driver: generated, password: hunter2 }"),
      "6:32  environments.production.secrets.db: unknown key `password`: " +
        "the config holds no value\n  " +
        "hint: mycelium adopt reads it from the output that shows it; " +
        "--ask and --from give it by hand\n",
    ],
    [
      "an unknown option",
      secret("{ driver: generated, colour: red }"),
      "6:32  environments.production.secrets.db: unknown key `colour`\n  " +
        "hint: known here: driver, end_sessions, gap_accepted, grace, length, " +
        "policy, rotate_every, rotated_at, tags, unshown\n",
    ],
    [
      "a wrong option",
      secret("{ driver: generated, length: many }"),
      "6:40  environments.production.secrets.db.length: expected a number\n",
    ],
    [
      "too small an option",
      secret("{ driver: generated, length: 1 }"),
      "6:40  environments.production.secrets.db.length: must be at least 8\n",
    ],
    [
      "a missing option",
      secret("{ driver: postgres, role: a }"),
      "6:7  environments.production.secrets.db: required key `address` is missing\n",
    ],
    [
      "the schema's own words",
      secret("{ driver: postgres, address: x }"),
      "6:7  environments.production.secrets.db.role: write either `role` or `roles`\n",
    ],
    [
      "a password as text",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: hunter2 } }"),
      `6:80  environments.production.secrets.db.admin.password: ${byReference}\n`,
    ],
    [
      "a password in brackets",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: {hunter2} } }"),
      `6:70  environments.production.secrets.db.admin.password: ${byReference}\n`,
    ],
    [
      "a misspelt kind of reference",
      secret("{ driver: postgres, address: x, role: a, admin: { user: r, password: { fil: x } } }"),
      "6:82  environments.production.secrets.db.admin.password: unknown key `fil`; did you mean `file`?\n",
    ],
    [
      "a reference of a wrong type",
      secret(
        "{ driver: postgres, address: x, role: a, admin: { user: r, password: { file: 3 } } }",
      ),
      "6:88  environments.production.secrets.db.admin.password.file: expected a string: put it in quotes\n",
    ],
    [
      "tags that are no list",
      secret("{ driver: generated, tags: payments }"),
      "6:38  environments.production.secrets.db.tags: expected a list: [ … ]\n",
    ],
    [
      "a switch in words",
      secret("{ driver: generated, end_sessions: sometimes }"),
      "6:46  environments.production.secrets.db.end_sessions: expected true or false\n",
    ],
  ],
  outputs: [
    [
      "no list",
      environment(`${one}\noutputs: { dotenv: .env }`),
      "6:5  environments.production.outputs: expected a list: each entry begins with -\n",
    ],
    [
      "of no kind",
      environment(`${one}\noutputs: [{ file: .env }]`),
      "6:15  environments.production.outputs[0]: does not say which kind of output it is: expected dotenv\n",
    ],
    [
      "of a misspelt kind",
      environment(`${one}\noutputs: [{ dotnev: .env }]`),
      "6:17  environments.production.outputs[0]: unknown key `dotnev`; did you mean `dotenv`?\n",
    ],
    [
      "a misspelt word",
      output("for: compos, variables: {}"),
      "6:36  environments.production.outputs[0].for: expected one of portable, compose; " +
        "did you mean `compose`?\n",
    ],
    [
      "a bare mode",
      output("mode: 0600, variables: {}"),
      '6:37  environments.production.outputs[0].mode: modes are strings: "0600", in quotes\n',
    ],
    [
      "a number for a text",
      output("owner: 1000, variables: {}"),
      "6:38  environments.production.outputs[0].owner: expected a string: put it in quotes\n",
    ],
    [
      "a name that its reader refuses",
      output('variables: { "a b": x }'),
      "6:44  environments.production.outputs[0].variables.…: names of variables are upper case\n",
    ],
    [
      "what its plug-in sees in templates",
      output('variables: { A: "{{ }}" }'),
      "6:47  environments.production.outputs[0].variables.A: the template is empty\n",
    ],
  ],
  deployments: [
    [
      "no restarter",
      deployment("{}"),
      "7:7  environments.production.deployments.api: does not say how it restarts: " +
        "expected one of command, compose\n",
    ],
    [
      "two restarters",
      deployment("{ compose: api, command: [a] }"),
      "7:7  environments.production.deployments.api: says twice how it restarts: " +
        "keep one of command, compose\n",
    ],
    [
      "a misspelt restarter",
      deployment("{ compos: api }"),
      "7:14  environments.production.deployments.api: unknown key `compos`; did you mean `compose`?\n",
    ],
    [
      "an unknown key",
      deployment("{ compose: api, colour: red }"),
      "7:28  environments.production.deployments.api: unknown key `colour`\n  " +
        "hint: known here: command, compose, healthy, reads, timeout\n",
    ],
    [
      "a union's missing key",
      deployment("{ compose: { service: api } }"),
      "7:14  environments.production.deployments.api.compose: required key `file` is missing\n",
    ],
    [
      "a union that fits nowhere",
      deployment("{ compose: 3 }"),
      "7:23  environments.production.deployments.api.compose: expected a string or a map of keys\n",
    ],
    [
      "no health",
      deployment("{ compose: api, healthy: { within: 5s } }"),
      "7:28  environments.production.deployments.api.healthy: does not say how health is " +
        "checked: expected one of http, command\n",
    ],
    [
      "a union's own words",
      deployment("{ compose: api, healthy: { http: 3 } }"),
      "7:45  environments.production.deployments.api.healthy.http: expected an address, or { url, status }\n",
    ],
    [
      "a union's own words, where a key is missing",
      deployment("{ compose: api, healthy: { http: {} } }"),
      "7:39  environments.production.deployments.api.healthy.http: expected an address, or { url, status }\n",
    ],
    [
      "more than a union's own words: a key",
      deployment("{ compose: api, healthy: { http: { ulr: x } } }"),
      "7:47  environments.production.deployments.api.healthy.http: unknown key `ulr`; did you mean `url`?\n",
    ],
    [
      "more than a union's own words: a value",
      deployment("{ compose: api, healthy: { http: { url: x, status: ok } } }"),
      "7:63  environments.production.deployments.api.healthy.http.status: expected a number\n",
    ],
    [
      "two ways of health",
      deployment('{ compose: api, healthy: { http: "x", command: [a] } }'),
      "7:28  environments.production.deployments.api.healthy: " +
        "says twice how health is checked: keep one of http, command\n",
    ],
  ],
}

testSentences(cases)
