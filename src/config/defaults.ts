/** Every night at three, in the environment's zone. */
export const defaultSchedule = "0 3 * * *"
