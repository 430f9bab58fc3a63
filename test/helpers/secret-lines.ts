// Seeded secrets in the commands and outputs in which they are met: made from the formats that the issuers
// publish and from the manuals of the tools, not from the patterns that are to find them.

import { below, type Random } from '../../src/base/random.ts'

export interface SecretLine {
  kind: string
  /** What must not be left, whole or in part. */
  secret: string
  text: string
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
const HEX = '0123456789abcdef'
const ALNUM = LOWER + UPPER + DIGITS
const B64 = `${ALNUM}+/`
const B64URL = `${ALNUM}-_`

type Make = (random: Random) => string

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T
}

function chars(random: Random, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[below(random, alphabet.length)]).join('')
}

const made =
  (alphabet: string, least: number, most = least, before = '', after = ''): Make =>
  (random) =>
    before + chars(random, alphabet, least + below(random, most - least + 1)) + after

// What people choose: letters, digits and signs that need no quotes, a few words, or a phrase.
const password: Make = (random) => {
  const word = (): string =>
    pick(random, [
      'Winter',
      'dragon',
      'Blue',
      'summer',
      'Tiger',
      'monkey',
      'Orbit',
      'coffee',
      'Pilot'
    ])
  const shape = below(random, 4)
  if (shape === 0)
    return (
      word() +
      word() +
      chars(random, DIGITS, 2 + below(random, 3)) +
      pick(random, ['!', '%', '+', '_'])
    )
  if (shape === 1) return chars(random, `${ALNUM}!%+_^.`, 8 + below(random, 12))
  if (shape === 2) return `${word()}-${word()}-${word()}-${chars(random, DIGITS, 2)}`
  return chars(random, ALNUM, 9) + pick(random, ['!', '.', '_']) + chars(random, ALNUM, 4)
}

const jwt: Make = (random) => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = part({ alg: pick(random, ['HS256', 'RS256', 'ES256']), typ: 'JWT' })
  const body = part({
    sub: chars(random, DIGITS, 10),
    iat: below(random, 2 ** 31),
    n: chars(random, LOWER, 6)
  })
  return `${head}.${body}.${chars(random, B64URL, 43)}`
}

const pem: Make = (random) => {
  const kind = pick(random, [
    'RSA PRIVATE KEY',
    'OPENSSH PRIVATE KEY',
    'EC PRIVATE KEY',
    'PRIVATE KEY'
  ])
  const lines = Array.from({ length: 4 + below(random, 8) }, () => chars(random, B64, 64))
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----`
}

/** Keys that say whose they are: they are met in any place. */
const ISSUED: Record<string, Make> = {
  'aws id': made(UPPER + DIGITS, 16, 16, 'AKIA'),
  'aws session id': made(UPPER + DIGITS, 16, 16, 'ASIA'),
  'github classic': made(ALNUM, 36, 36, 'ghp_'),
  'github server': made(ALNUM, 36, 36, 'ghs_'),
  'github fine': (random) => `github_pat_${chars(random, ALNUM, 22)}_${chars(random, ALNUM, 59)}`,
  gitlab: made(B64URL, 20, 20, 'glpat-'),
  'slack bot': (random) =>
    `xoxb-${chars(random, DIGITS, 12)}-${chars(random, DIGITS, 13)}-${chars(random, ALNUM, 24)}`,
  'slack hook': (random) =>
    'https://hooks.slack.com/services/T' +
    `${chars(random, UPPER + DIGITS, 8)}/B${chars(random, UPPER + DIGITS, 10)}/` +
    chars(random, ALNUM, 24),
  'stripe live': made(ALNUM, 24, 99, 'sk_live_'),
  'stripe restricted': made(ALNUM, 24, 60, 'rk_test_'),
  npm: made(ALNUM, 36, 36, 'npm_'),
  pypi: made(B64URL, 85, 160, 'pypi-AgEIcHlwaS5vcmc'),
  'google api': made(B64URL, 35, 35, 'AIza'),
  'google client': made(B64URL, 28, 28, 'GOCSPX-'),
  openai: made(ALNUM, 48, 48, 'sk-'),
  'openai project': made(B64URL, 74, 156, 'sk-proj-'),
  'anthropic-like': made(B64URL, 93, 93, 'sk-ant-api03-', 'AA'),
  'hugging face': made(LOWER + UPPER, 34, 34, 'hf_'),
  netlify: made(ALNUM, 36, 40, 'nfp_'),
  pulumi: made(HEX, 40, 40, 'pul-'),
  digitalocean: made(HEX, 64, 64, 'dop_v1_'),
  'docker hub': made(B64URL, 27, 27, 'dckr_pat_'),
  vault: made(B64URL, 90, 110, 'hvs.'),
  sendgrid: (random) => `SG.${chars(random, B64URL, 22)}.${chars(random, B64URL, 43)}`,
  telegram: (random) => `${chars(random, '123456789', 9)}:AA${chars(random, B64URL, 33)}`,
  grafana: (random) => `glsa_${chars(random, ALNUM, 32)}_${chars(random, HEX, 8)}`,
  jwt
}

const PLACES: readonly ((key: string, random: Random) => string)[] = [
  (key) => `export TOKEN_FOR_CI=${key}`,
  (key) => `some-tool deploy ${key} --region eu-west-1`,
  (key) => `curl -H 'Authorization: Bearer ${key}' https://api.example.com/v1/items`,
  (key) => `curl -s "https://api.example.com/v2/list?page=2&access_token=${key}&sort=asc"`,
  (key) => `{"level":"error","config":{"credential":"${key}"},"msg":"request failed"}`,
  (key) => `error: the key ${key} is not valid for this project`,
  (key) => `2024-03-0${key.length % 9} WARN auth - rejected key=${key}, retrying`,
  (key) => `echo ${key} > ~/.config/tool/key`,
  (key) => `git remote set-url origin https://oauth2:${key}@git.example.com/team/app.git`,
  (key) => `docker run -e API_CREDENTIAL="${key}" registry.example.com/app:1.4`,
  (key) => `  File "app.py", line 12, in <module>\n    client = Client("${key}")`
]

const VARIABLES = [
  'PGPASSWORD',
  'DB_PASSWORD',
  'MYSQL_PWD',
  'REDIS_PASS',
  'SMTP_PASSWORD',
  'API_SECRET',
  'SECRET_KEY',
  'AUTH_TOKEN',
  'ADMIN_PASSWORD',
  'CLIENT_SECRET',
  'DJANGO_SECRET_KEY'
]
const FLAGS = ['password', 'token', 'secret', 'api-key', 'client-secret', 'auth-token']

/** Secrets that only their place gives away. */
const PLACED: Record<string, (secret: string, random: Random) => string> = {
  'env assignment': (s, r) =>
    `${pick(r, VARIABLES)}=${s} ${pick(r, ['psql -h db -U app', './run.sh', 'make deploy', 'node a.js'])}`,
  'env export': (s, r) => `export ${pick(r, VARIABLES)}='${s}'`,
  'long flag': (s, r) =>
    `${pick(r, ['mytool login', 'ansible-playbook site.yml', 'mongodump'])} --${pick(r, FLAGS)}` +
    pick(r, ['=', ' ']) +
    s,
  'url userinfo': (s, r) =>
    `${pick(r, ['psql', 'pg_dump', 'git clone', 'curl', 'mongosh', 'redis-cli -u'])} ` +
    `${pick(r, ['postgres', 'https', 'mongodb+srv', 'redis', 'amqp'])}://${pick(r, ['app', 'root'])}:` +
    `${encodeURIComponent(s)}@host-${below(r, 90)}.example.com/${pick(r, ['main', 'prod', 'x.git'])}`,
  'curl user': (s, r) =>
    `curl ${pick(r, ['-u', '--user', '-X POST -u'])} ${pick(r, ['admin', 'me@example.com', 'ci'])}:${s} ` +
    `https://nexus.example.com/repo/${below(r, 99)}`,
  'verbose header': (s, r) =>
    `> GET /v1/${pick(r, ['me', 'items', 'status'])} HTTP/2\n` +
    `> authorization: ${pick(r, ['Bearer', 'token', 'ApiKey'])} ${s}\n> accept: */*\n< HTTP/2 401`,
  'key header': (s, r) =>
    `curl -H '${pick(r, ['X-Api-Key', 'X-Auth-Token', 'X-Gitlab-Token'])}: ${s}' https://api.example.com`,
  cookie: (s, r) =>
    `curl -H "Cookie: session=${s}; lang=${pick(r, ['en', 'de'])}" https://x.example.com/`,
  mysql: (s, r) =>
    `${pick(r, ['mysql', 'mysqldump', 'mysqladmin'])} -h db${below(r, 9)} -u root -p${s} ` +
    pick(r, ['shop', 'status', 'app < dump.sql']),
  sshpass: (s, r) =>
    `sshpass -p ${r.uint32() % 2 ? s : `'${s}'`} ssh root@10.0.${below(r, 255)}.${below(r, 255)}`,
  redis: (s, r) => `redis-cli -h cache -p ${6000 + below(r, 999)} -a ${s} ping`,
  'docker login': (s, r) =>
    `docker login -u ${pick(r, ['ci', 'bob'])} -p ${s} registry.example.com`,
  'piped login': (s, r) =>
    `echo ${r.uint32() % 2 ? `"${s}"` : s} | ` +
    pick(r, [
      'docker login -u ci --password-stdin',
      'sudo -S apt update',
      'gh auth login --with-token'
    ]),
  'ssh passphrase': (s, r) =>
    `ssh-keygen -t ed25519 -N '${s}' -f ~/.ssh/id_${pick(r, ['work', 'ci', 'home'])}`,
  openssl: (s, r) =>
    `openssl ${pick(r, ['rsa -in key.pem -passin', 'enc -aes-256-cbc -in a -out b -pass'])} pass:${s}`,
  zip: (s, r) => `${pick(r, ['zip -r', 'unzip'])} -P ${s} backup-${below(r, 999)}.zip`,
  npmrc: (s) => `//registry.npmjs.org/:_authToken=${s}`,
  'npm set': (s) => `npm config set //registry.example.com/:_password=${s}`,
  'aws set': (s) => `aws configure set aws_secret_access_key ${s}`,
  yaml: (s, r) => `database:\n  host: db${below(r, 99)}\n  password: ${s}\n  port: 5432`,
  json: (s, r) =>
    `{"user": "${pick(r, ['bob', 'svc'])}", "client_secret": "${s}", "port": ${below(r, 9999)}}`,
  'dotenv dump': (s, r) => `NODE_ENV=production\nSESSION_SECRET=${s}\nPORT=${below(r, 9999)}`,
  netrc: (s, r) => `machine api${below(r, 99)}.example.com login deploy password ${s}`,
  sql: (s, r) => `psql -c "ALTER USER app${below(r, 99)} WITH PASSWORD '${s}'"`,
  python: (s, r) =>
    `TypeError: connect(host='h${below(r, 99)}', user='app', password='${s}') failed`,
  wifi: (s, r) => `nmcli device wifi connect Net${below(r, 99)} password ${s}`,
  query: (s, r) =>
    `wget "https://files.example.com/get?id=${below(r, 9999)}&token=${encodeURIComponent(s)}"`,
  'connection string': (s, r) =>
    `Server=db${below(r, 9)};Database=shop;User Id=sa;Password=${s};Encrypt=true`,
  prompt: (s, r) => `Generated password for admin${below(r, 99)}: ${s}`,
  smb: (s, r) => `smbclient //nas${below(r, 99)}/share -U bob%${s}`
}

/** Nothing gives these away but their look. */
const BARE: Record<string, Make> = {
  'aws secret': made(B64, 40),
  'base64 key': (random) => Buffer.from(random.bytes(32)).toString('base64'),
  'alphanumeric key': made(ALNUM, 32, 64)
}

/** `count` secrets of every kind in turn. */
export function secretLines(random: Random, count: number): SecretLine[] {
  const kinds: (() => SecretLine)[] = [
    ...Object.entries(ISSUED).map(([kind, make]) => () => {
      const key = make(random)
      // What everybody knows of a key is no secret: an address stands in other addresses too.
      const secret = key.replace(/^https:\/\/[\w.]+\/services\//, '')
      return { kind, secret, text: pick(random, PLACES)(key, random) }
    }),
    ...Object.entries(PLACED).map(([kind, place]) => () => {
      const secret = pick(random, [password, password, made(ALNUM, 20, 40), made(HEX, 32)])(random)
      return { kind, secret, text: place(secret, random) }
    }),
    ...Object.entries(BARE).map(([kind, make]) => () => {
      const secret = make(random)
      const place = pick(random, PLACES.slice(0, 8))
      return { kind, secret, text: place(secret, random) }
    }),
    () => {
      const secret = Buffer.from(`ci:${password(random)}`).toString('base64')
      const program = pick(random, ['curl', 'http', 'wget --header'])
      const text = `${program} -H "Authorization: Basic ${secret}" https://x.example.com`
      return { kind: 'basic', secret, text }
    },
    () => {
      const secret = pem(random)
      return { kind: 'pem', secret, text: `cat deploy.key\n${secret}\nsh: 1: not found` }
    }
  ]
  return Array.from({ length: count }, (_, index) =>
    (kinds[index % kinds.length] as () => SecretLine)()
  )
}
