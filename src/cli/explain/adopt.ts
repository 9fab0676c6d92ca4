/** Why a value of an output, or one that is given, is not taken over. */
export const adopt = {
  "adopt-conflict":
    "Two outputs, or two variables of one, show different values of the same secret. " +
    "Only one can be right. Make them agree, then adopt again.",
  "adopt-untold":
    "An output shows this secret, but only through a template with filters or tags that " +
    "cannot be undone, so the value cannot be read back from the file. " +
    "Show it plainly in another output, or give the value itself: mycelium adopt ENV --ask.",
  "adopt-nothing":
    "No output shows a value of this secret, so there is nothing to take over. " +
    "Write the value into the output by hand first, or make a first one with mycelium " +
    "rotate-now --new.",
  "given-unreadable":
    "The file (or stdin) that adopt --from names does not hold what it needs: " +
    'a JSON object with a value for at least one secret, such as {"postgres_password": "…"}. ' +
    "Nothing was adopted. Correct the file and run the command again.",
  "adopt-date":
    "The config says that a value was made on a day that is still to come. It is not adopted. " +
    "Write the day on which it was made (rotated_at: 2026-03-01), or leave rotated_at out: " +
    "its age is then unknown, and it is due at the next scheduled time.",
  "adopt-other-login":
    "The outputs show another user than the config names. " +
    "Correct the config or the output; mycelium does not guess which.",
  "adopt-refused":
    "The service refuses the value that was found: a new one, or a known one that was changed " +
    "at the service since. Nothing is taken over. Put the value that works into the output, " +
    "or type it in with --ask, then adopt again. If the state has the right one: " +
    "empty that line, then mycelium render writes it there.",
} as const
