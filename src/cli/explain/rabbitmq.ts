/** RabbitMQ: users of its own, changed by the management API. */
export const rabbitmq = {
  "rabbitmq-loopback-only":
    "RabbitMQ lets this user in from its own machine alone (loopback_users, " +
    "where guest stands by itself). Its password may be right. Make an admin with a name of " +
    "its own: rabbitmqctl add_user NAME PASSWORD, then rabbitmqctl set_user_tags NAME " +
    "administrator.",
  "rabbitmq-vhost-missing":
    "The config names a virtual host that does not exist, so no program can open it. " +
    "Its password would be accepted, and every program would be refused right after. " +
    "Name in vhost the one that programs use; rabbitmqctl list_vhosts shows all. " +
    "A containment goes on: a password is checked before any virtual host.",
  "rabbitmq-vhost-closed":
    "The user may not open the virtual host of the config, or that takes no connection (a limit " +
    "of 0). Its password would be accepted, and every program would be refused right after. " +
    "Correct vhost in the config, or give the user what its programs need there; " +
    "rabbitmqctl list_permissions -p VHOST shows who has what, list_vhost_limits the limits. " +
    "A containment goes on, and changes none of that: it may be a person's decision.",
} as const
