import { test, expect } from "bun:test"
import { startMariadb } from "../support/servers/mariadb.ts"
import { startPostgres } from "../support/servers/postgres.ts"
import { startRedis } from "../support/servers/redis.ts"
import { makeAuthority } from "../support/certificates.ts"
test("m", async()=>{ const t=performance.now(); await using s = await startMariadb(); console.log(performance.now()-t, s.version)
 console.log(await s.sql("select user, host, plugin from mysql.global_priv limit 1").catch(e=>e.message)); console.log(await s.sql("select current_user() as me, version() v"));
 await s.sql("create user u@'%' identified by 'a'"); await s.restart(); console.log(await s.sql("select user,host from mysql.user"))
})
test("tls", async()=>{
  const good = makeAuthority(), other = makeAuthority("other")
  await using s = await startPostgres({tls: good.issue(["127.0.0.1"])})
  const tryIt = async (tls: any, hostname="127.0.0.1") => { const c = new Bun.SQL({adapter:"postgres",hostname,port:s.port,username:"postgres",password:s.password,database:"postgres",max:1,tls}); try { return (await c.unsafe("select ssl from pg_stat_ssl where pid=pg_backend_pid()"))[0].ssl } catch (e:any) { return e.code } finally { await c.close() } }
  console.log(await tryIt({ca: good.certificate}), await tryIt({ca: other.certificate}), await tryIt({ca: good.certificate}, "localhost"), await tryIt(false))
  await using n = await startPostgres({which:"newer", tls: good.issue(["db.test"])})
  console.log(await n.sql("show ssl"))
  await using r = await startRedis({tls: good.issue(["127.0.0.1"])})
  console.log(await r.command("PING"))
  const c = new Bun.RedisClient(`rediss://admin:${r.admin.password}@127.0.0.1:${r.port}`, {tls:{ca: other.certificate}, autoReconnect:false,maxRetries:0}); console.log(await c.send("PING",[]).catch((e:any)=>e.code)); c.close()
})
