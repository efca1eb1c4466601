/** Java properties by name. */
export type KafkaProperties = Readonly<Record<string, string | number | boolean>>;

/** As text, in order. */
function render(properties: KafkaProperties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('');
}

const MAX_RECORD_BYTES = 33_554_432;

export interface BrokerSettings {
  /** Kafka's clients connect here. */
  readonly port: number;
  /** The broker's own controller listens here. */
  readonly controllerPort: number;
  readonly dataDir: string;
  /** Over and beside ours. */
  readonly further?: KafkaProperties | undefined;
}

/** `server.properties` of one node that is broker and controller, on 127.0.0.1 alone. */
export function renderServerProperties(settings: BrokerSettings): string {
  const { port, controllerPort, dataDir, further } = settings;
  return render({
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    'log.dirs': dataDir,
    // Topics are made by whoever needs them, with their partitions: one made by chance would have others.
    'auto.create.topics.enable': false,
    // One node: no replicas. One partition holds all the offsets and transactions of a machine.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    // With the defaults a killed broker is refused by itself for 9 s, and a killed consumer is missed for 10 s.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    'group.min.session.timeout.ms': 1_000,
    'group.initial.rebalance.delay.ms': 0,
    // A row may be large; Kafka's default is 1 MB.
    'message.max.bytes': MAX_RECORD_BYTES,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    ...further,
  });
}

export interface ConnectSettings {
  /** The REST API listens here. */
  readonly restPort: number;
  /** Kafka, e.g. `127.0.0.1:9092`. */
  readonly bootstrapServers: string;
  readonly pluginsDir: string;
  /** Only files in this folder can be named as secrets in a connector, as `${dir:FOLDER:FILE}`. */
  readonly secretsDir: string;
  /** Each event once, whoever is killed. */
  readonly exactlyOnce: boolean;
  /** Over and beside ours. */
  readonly further?: KafkaProperties | undefined;
}

/** `connect-distributed.properties` of one worker, on 127.0.0.1 alone. */
export function renderConnectProperties(settings: ConnectSettings): string {
  const { restPort, bootstrapServers, pluginsDir, secretsDir, exactlyOnce, further } = settings;
  return render({
    'bootstrap.servers': bootstrapServers,
    'group.id': 'banyan-connect',
    listeners: `http://127.0.0.1:${restPort}`,
    'rest.advertised.host.name': '127.0.0.1',
    'plugin.path': pluginsDir,
    'plugin.discovery': 'service_load',
    'config.storage.topic': 'banyan-connect-configs',
    'config.storage.replication.factor': 1,
    'offset.storage.topic': 'banyan-connect-offsets',
    'offset.storage.replication.factor': 1,
    'offset.storage.partitions': 1,
    'status.storage.topic': 'banyan-connect-status',
    'status.storage.replication.factor': 1,
    'status.storage.partitions': 1,
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': false,
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': false,
    'exactly.once.source.support': exactlyOnce ? 'enabled' : 'disabled',
    // Offsets are stored this often, and only then the slot moves: "caught up" waits for it. The default is 60 s.
    'offset.flush.interval.ms': 100,
    // A commit waits for a read of the offsets topic that waits for records; the default lets it wait for 500 ms.
    'fetch.max.wait.ms': 20,
    'scheduled.rebalance.max.delay.ms': 0,
    'producer.max.request.size': MAX_RECORD_BYTES,
    'producer.buffer.memory': 2 * MAX_RECORD_BYTES,
    'session.timeout.ms': 4_000,
    'heartbeat.interval.ms': 500,
    // A connector's password stays in its file: the REST API shows the reference alone.
    'config.providers': 'dir',
    'config.providers.dir.class': 'org.apache.kafka.common.config.provider.DirectoryConfigProvider',
    'config.providers.dir.param.allowed.paths': secretsDir,
    ...further,
  });
}
