/** RabbitMQ: users of its own, changed by the management API. */
export const rabbitmq = {
  "rabbitmq-loopback-only":
    "RabbitMQ lets this user in from its own machine alone (loopback_users, " +
    "where guest stands by itself). Its password may be right. Make an admin with a name of " +
    "its own: rabbitmqctl add_user NAME PASSWORD, then rabbitmqctl set_user_tags NAME " +
    "administrator.",
  "rabbitmq-vhost-closed":
    "The config names a virtual host that does not exist, or that the user may not open. " +
    "Its password would be accepted, and every program would be refused right after. " +
    "Correct vhost in the config, or give the user what its programs need there; " +
    "rabbitmqctl list_permissions -p VHOST shows who has what.",
} as const
