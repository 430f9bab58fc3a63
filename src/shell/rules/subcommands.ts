// What tools can be told to do, and which of their flags before the subcommand take a value: facts of
// each tool's own help. For slips in a subcommand where the output does not name the right one, or was
// not captured. Data only.

interface CommandRules {
  readonly subcommands: readonly string[]
  readonly valueFlags: ReadonlySet<string>
}

const words = (text: string): string[] => text.trim().split(/\s+/)

// Commonest first where names are close: the first of equally similar ones is proposed.
const SUBCOMMANDS: Record<string, string[]> = {
  git: words(`status add commit push pull checkout branch log diff stash merge rebase fetch clone reset
    restore switch show tag remote rm mv init cherry-pick revert blame bisect clean config describe
    grep reflog submodule worktree am apply archive bundle format-patch gc notes shortlog help lfs
    rev-parse rev-list ls-files ls-remote ls-tree cat-file update-index difftool mergetool stage`),
  docker: words(`run ps images build exec pull push logs stop start restart rm rmi inspect compose
    container image network volume system swarm service stack node login logout tag search cp create
    attach commit diff events export import info kill load pause port rename save stats top unpause
    update version wait buildx builder config context manifest plugin secret trust`),
  npm: words(`install run test start publish init update upgrade uninstall ci list outdated audit link
    login logout view version search exec pack prune rebuild config cache dedupe docs doctor explain
    fund help owner ping prefix rebuild repo restart root run-script shrinkwrap stop team token
    unlink unpublish whoami`),
  yarn: words(`add install remove run build test start init upgrade list global cache audit autoclean
    bin config create generate-lock-entry help import info licenses link login logout node outdated
    owner pack policies publish tag team unlink unplug upgrade-interactive version versions why
    workspace workspaces dlx dedupe set`),
  pnpm: words(`install add remove update run test exec dlx list outdated audit publish store why link
    unlink import rebuild prune init start create`),
  pip: words(`install uninstall list show freeze download search check config wheel hash completion
    debug cache index inspect help`),
  cargo:
    words(`build run test check new init add remove clean doc bench update search publish install
    uninstall clippy fmt fix tree vendor version yank metadata login logout fetch package owner`),
  brew: words(`install uninstall update upgrade list search info doctor cleanup link unlink services tap
    untap outdated pin unpin deps uses home edit create reinstall cask config desc fetch formulae
    leaves log missing options switch autoremove bundle`),
  apt: words(`install update upgrade remove search show list autoremove purge full-upgrade edit-sources
    depends policy download changelog source build-dep autoclean clean reinstall satisfy`),
  'apt-get':
    words(`install update upgrade remove autoremove purge dist-upgrade clean autoclean download
    source build-dep check changelog`),
  'apt-cache': words('search show policy depends rdepends pkgnames stats showpkg madison'),
  dnf: words(`install remove update upgrade search info list provides repolist group clean history
    autoremove check-update downgrade distro-sync makecache reinstall module swap`),
  yum: words(`install remove update upgrade search info list provides repolist groupinstall groupinfo
    clean history erase check-update downgrade localinstall makecache reinstall`),
  zypper: words(
    'install remove update refresh search info list-updates dist-upgrade patch addrepo'
  ),
  systemctl:
    words(`start stop restart status enable disable reload daemon-reload mask unmask is-active
    is-enabled is-failed list-units list-unit-files list-timers show cat edit kill poweroff reboot
    suspend try-restart reset-failed reenable set-default get-default isolate halt hibernate`),
  kubectl:
    words(`get describe apply create delete logs exec edit expose run scale rollout set explain
    label annotate port-forward proxy cp auth config cluster-info top cordon uncordon drain taint
    api-resources api-versions attach autoscale certificate completion debug diff kustomize patch
    plugin replace version wait`),
  helm: words(`install upgrade uninstall list repo search show status template rollback lint package
    pull push create dependency env get history plugin test verify version`),
  terraform:
    words(`plan apply destroy init validate fmt import output show state taint untaint refresh
    workspace providers graph console get login logout version test`),
  adb: words(`push pull shell install uninstall devices logcat reboot connect disconnect forward reverse
    root unroot remount sync backup restore bugreport get-state get-serialno kill-server start-server
    wait-for-device sideload tcpip usb emu jdwp keygen ppp version help install-multiple`),
  hg: words(`status add commit push pull update branch branches log diff merge clone init revert annotate
    bisect bookmarks cat copy export forget graft grep heads help histedit identify import incoming
    manifest outgoing parents paths phase rebase recover remove rename resolve rollback root serve
    shelve summary tag tags tip unshelve verify`),
  svn: words(`status add commit update checkout diff log merge revert copy delete info switch blame
    cleanup export import list lock mkdir move propedit propget proplist propset resolve resolved`),
  go: words(`build run test get mod install fmt vet doc env generate list version clean fix tool work
    bug help`),
  gem: words(`install uninstall list update search build push cleanup environment fetch contents
    dependency generate_index help info lock mirror open outdated owner pristine query rdoc server
    signin signout sources specification stale unpack which yank`),
  bundle: words(
    'install exec update add remove init show open outdated check clean config list lock'
  ),
  rails:
    words(`server console generate new destroy dbconsole runner test routes db:migrate db:create
    db:seed db:drop db:rollback`),
  composer:
    words(`install update require remove dump-autoload create-project init search show validate
    self-update outdated global config diagnose exec clear-cache archive licenses status`),
  mvn: words(`clean install package compile test verify deploy validate site initialize integration-test
    test-compile process-resources generate-sources prepare-package`),
  gradle:
    words(`build clean test assemble check run tasks dependencies jar javadoc wrapper init projects
    properties help publish`),
  lein: words(`repl run test new jar uberjar deps compile clean install deploy check pom help search
    upgrade version`),
  vagrant: words(`up halt ssh destroy status reload provision init box suspend resume plugin package
    global-status port share snapshot validate version push login`),
  conda:
    words(`install create activate deactivate list env update remove search info config clean init
    run package uninstall upgrade`),
  poetry:
    words(`install add remove update run shell build publish show init new lock check config env
    export search version cache self`),
  heroku: words(`apps logs ps run config create open login logout addons pg releases restart domains
    certs auth buildpacks git local maintenance members pipelines plugins status`),
  aws: words(`s3 ec2 iam lambda sts rds eks ecs ecr cloudformation cloudwatch dynamodb configure logs
    route53 sns sqs ssm secretsmanager s3api`),
  tmux: words(`new-session attach-session kill-session list-sessions kill-server detach-client
    new-window split-window rename-session rename-window switch-client select-window select-pane
    send-keys source-file list-windows list-keys list-commands list-clients capture-pane
    attach new ls`),
  ip: words('address link route neighbour rule tunnel maddress mroute netns monitor'),
  nmcli: words('general networking radio connection device agent monitor'),
  flatpak: words('install uninstall update list run search info remotes remote-add remote-delete'),
  snap: words('install remove refresh list find info revert disable enable connect services'),
  gh: words('pr issue repo auth release run workflow gist api browse config secret alias search'),
  prove: [],
  make: []
}

const SAME: Record<string, string> = {
  pip2: 'pip',
  pip3: 'pip',
  podman: 'docker',
  gradlew: 'gradle',
  mvnw: 'mvn',
  mamba: 'conda',
  tofu: 'terraform',
  aptitude: 'apt-get'
}

const VALUE_FLAGS: Record<string, string[]> = {
  git: ['-C', '-c', '--git-dir', '--work-tree'],
  adb: ['-s', '-H', '-P', '-L'],
  docker: ['-H', '--host', '-c', '--context', '--config', '-l', '--log-level'],
  kubectl: ['-n', '--namespace', '--context', '--kubeconfig'],
  helm: ['-n', '--namespace', '--kube-context'],
  make: ['-C', '-f', '-I'],
  tmux: ['-L', '-S', '-f'],
  npm: ['--prefix', '--registry'],
  systemctl: ['-H', '-M', '-t']
}

const NONE: CommandRules = { subcommands: [], valueFlags: new Set() }

const TABLE = new Map<string, CommandRules>(
  Object.entries(SUBCOMMANDS).map(([tool, subcommands]) => [
    tool,
    { subcommands, valueFlags: new Set(VALUE_FLAGS[tool] ?? []) }
  ])
)

/** Of a tool by name; nothing known of most. */
export function commandRules(tool: string): CommandRules {
  return TABLE.get(SAME[tool] ?? tool) ?? NONE
}
