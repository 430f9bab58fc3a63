// Seeded commands of every day without a secret: with hashes, digests, UUIDs, long paths and names, in
// which a careless redaction would take something out.

import { below, type Random } from '../../src/base/random.ts'
import { pick } from './secret-lines.ts'

const hex = (random: Random, length: number): string =>
  Buffer.from(random.bytes(Math.ceil(length / 2)))
    .toString('hex')
    .slice(0, length)

const uuid = (r: Random): string => [8, 4, 4, 4, 12].map((length) => hex(r, length)).join('-')

const NAMES = [
  'main',
  'report',
  'index',
  'server',
  'users',
  'billing',
  'auth',
  'token',
  'password-reset',
  'utils',
  'key-manager',
  'parser',
  'Makefile',
  'secrets'
]
const ENDS = ['ts', 'py', 'go', 'rs', 'md', 'json', 'yaml', 'log', 'tar.gz', 'cpp', 'test.js']
const FOLDERS = [
  'src',
  './lib',
  '/usr/local/share',
  '~/projects/shop',
  '/var/log',
  'test/integration',
  '/home/ann/Documents/2024'
]
const name = (r: Random): string => `${pick(r, NAMES)}-${pick(r, NAMES)}`
const path = (r: Random): string =>
  `${pick(r, FOLDERS)}/${name(r)}/${pick(r, NAMES)}.${pick(r, ENDS)}`
const version = (r: Random): string => `${below(r, 20)}.${below(r, 20)}.${below(r, 40)}`
const host = (r: Random): string => `${pick(r, ['db', 'web', 'cache'])}${below(r, 40)}.example.com`
const words = (r: Random): string =>
  Array.from({ length: 3 + below(r, 4) }, () =>
    pick(r, [
      'fix',
      'the',
      'token',
      'parser',
      'for',
      'empty',
      'password',
      'fields',
      'in',
      'login',
      'secret',
      'rotation',
      'docs'
    ])
  ).join(' ')

const COMMANDS: readonly ((r: Random) => string)[] = [
  (r) => `git show ${hex(r, 40)}`,
  (r) => `git cherry-pick ${hex(r, 7 + below(r, 6))}`,
  (r) => `git diff ${hex(r, 12)}..${hex(r, 12)} -- ${path(r)}`,
  (r) => `git commit -m "${words(r)}"`,
  (r) => `git checkout -b feature/${name(r)}-${below(r, 9999)}`,
  (r) => `git clone git@github.com:team-${below(r, 99)}/${name(r)}.git`,
  (r) => `git clone https://github.com/acme/${name(r)}-${pick(r, NAMES)}-service.git`,
  (r) => `git log --author=ann --since=2024-0${1 + below(r, 9)}-01 ${path(r)}`,
  (r) => `docker pull registry.example.com/app@sha256:${hex(r, 64)}`,
  (r) => `docker run --rm -v $PWD:/work -w /work node:${version(r)} npm test -- ${path(r)}`,
  (r) => `docker exec -it ${hex(r, 12)} sh`,
  (r) => `docker rmi ${hex(r, 64)}`,
  (r) => `kubectl logs ${name(r)}-${hex(r, 10)}-${hex(r, 5)} -n ${pick(r, ['prod', 'dev'])}`,
  (r) => `kubectl get secret ${name(r)} -o yaml`,
  (r) => `curl -s https://${host(r)}/api/v1/items/${uuid(r)}`,
  (r) => `curl -fsSL https://${host(r)}/install-${version(r)}.sh -o ${path(r)}`,
  (r) => `wget https://${host(r)}/pub/${name(r)}-${version(r)}-x86_64-unknown-linux-gnu.tar.gz`,
  (r) => `rm -rf ${path(r)} ${path(r)}`,
  (r) => `cp ${path(r)} /mnt/backup/${uuid(r)}/`,
  (r) => `ls -la ${path(r)}`,
  (r) => `grep -rn "${words(r)}" ${path(r)}`,
  (r) => `find . -name '*${pick(r, NAMES)}*.${pick(r, ENDS)}' -mtime -${below(r, 30)}`,
  (r) =>
    `python3 -m pytest ${path(r)}::test_${pick(r, NAMES).replace('-', '_')}_${below(r, 99)} -x`,
  (r) => `npm install @scope/${name(r)}@${version(r)} --save-dev`,
  (r) => `node --max-old-space-size=${below(r, 8192)} ${path(r)}`,
  (r) => `cargo build --release --features ${name(r)} --target x86_64-unknown-linux-musl`,
  (r) =>
    `go test ./internal/${name(r)}/... -run Test${pick(r, ['Parse', 'Token', 'Login'])}${below(r, 99)}`,
  (r) => `ssh -p ${below(r, 65535)} -i ~/.ssh/id_ed25519 ann@${host(r)}`,
  (r) => `ssh-keygen -t ed25519 -f ~/.ssh/${name(r)}`,
  (r) => `scp ann@${host(r)}:/srv/${name(r)}/dump-${below(r, 99999999)}.sql.gz .`,
  (r) => `rsync -avz --delete ${path(r)} ${host(r)}:/srv/${uuid(r)}`,
  (r) =>
    `psql -h ${host(r)} -p 5432 -U app -c 'select count(*) from ${pick(r, ['users', 'tokens'])}'`,
  (r) => `mysql -h ${host(r)} -u root -p shop${below(r, 99)}`,
  (r) => `tar -xzf ${name(r)}-${version(r)}.tar.gz -C /opt/${name(r)}`,
  (r) => `sha256sum ${path(r)} && echo ${hex(r, 64)}`,
  (r) =>
    `export PATH=$HOME/.local/share/${name(r)}/bin:$PATH NODE_ENV=${pick(r, ['test', 'production'])}`,
  (r) => `export GITHUB_TOKEN=$(cat ~/.config/${name(r)}/token)`,
  (r) => `DATABASE_PASSWORD=$PROD_PASSWORD make ${pick(r, ['build', 'deploy'])}-${below(r, 99)}`,
  (r) => `terraform apply -var-file=${path(r)} -target=module.${name(r)}`,
  (r) => `aws s3 cp ${path(r)} s3://bucket-${below(r, 9999)}/${uuid(r)}/ --region eu-central-1`,
  (r) => `systemctl restart ${name(r)}@${below(r, 99)}.service`,
  (r) => `journalctl -u ${name(r)} --since "${1 + below(r, 23)} hours ago" -o short-precise`,
  (r) => `sed -i 's/${pick(r, NAMES)}/${pick(r, NAMES)}-v${below(r, 99)}/g' ${path(r)}`,
  (r) =>
    `ffmpeg -i "${words(r)}.mp4" -vf scale=${below(r, 1920)}:-1 -c:v libx264 out-${below(r, 999)}.mp4`,
  (r) => `swarm generate -p '${words(r)}' --max-tokens ${below(r, 999)} --seed ${below(r, 99999)}`,
  (r) => `mkdir -p ~/Library/ApplicationSupport/com.example.${pick(r, NAMES)}/Caches/${uuid(r)}`,
  (r) =>
    `cat node_modules/.pnpm/${name(r)}@${version(r)}_${name(r)}@${version(r)}/node_modules/x/package.json`,
  (r) =>
    `java -jar build/libs/${name(r)}-${version(r)}-SNAPSHOT-all.jar --spring.profiles.active=dev`,
  (r) => `az account set --subscription ${uuid(r)}`,
  (r) =>
    `pip install -r requirements/${name(r)}.txt --index-url https://pypi.example.com/simple/${below(r, 99)}`,
  (r) =>
    `python manage.py migrate 00${below(r, 99)}_auto_2024${below(r, 9999)}_add_password_reset_fields`,
  (r) => `passwd user${below(r, 9999)}`,
  (r) => `sudo -u postgres createuser ${name(r)}`,
  (r) => `ls /nix/store | grep ${name(r)}-${version(r)}`
]

/** `count` different commands, of every kind in turn. */
export function ordinaryCommands(random: Random, count: number): string[] {
  const found = new Set<string>()
  for (let index = 0; found.size < count; index++)
    found.add((COMMANDS[index % COMMANDS.length] as (r: Random) => string)(random))
  return [...found]
}
