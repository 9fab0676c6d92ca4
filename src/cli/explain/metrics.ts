/** Codes of the address at which the service is asked. */
export const metrics = {
  "listen-taken":
    "Another process listens at the address that `listen` names, so the service cannot be asked there. " +
    "It rotates on, and tries again at least once a minute. Give each service an address of its own.",
  "listen-failed":
    "The service cannot listen at the address that `listen` names: its folder is missing or may not be " +
    "written, or a file that is no socket lies there. It rotates on, and tries again at least once a minute.",
} as const
