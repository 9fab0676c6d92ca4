/** Codes of notices. */
export const notices = {
  "notify-none":
    "The config has no `notify`, so no one is told when something goes wrong. " +
    "mycelium help notices shows how to write it.",
  "rotation-stuck":
    "A notice: a rotation cannot end by itself, because its service refuses every value that the state " +
    "knows. mycelium status says what to do.",
  "rotation-open":
    "A notice: a rotation has stayed open for a quarter of an hour. The service goes on trying; " +
    "mycelium status says what holds it up, and which programs hold a value that no longer works.",
  "notice-test": "What mycelium notify --test sends: nothing is wrong.",
  "notice-failed":
    "A receiver of notices did not take one: it gave no answer, or one that is not 2xx. Redirects are " +
    "not followed. The notice is kept and sent again, at growing intervals up to an hour. " +
    "mycelium notify --test tries it at once.",
  "notice-address":
    "What a webhook or a ping refers to is no address. It must begin with https:// or http://. " +
    "The address itself is not printed, because it is a credential.",
  "notice-template":
    "The template of a webhook cannot be rendered, so its notices are not sent. Look at its tags and " +
    "filters, then try it with mycelium notify --test.",
} as const
