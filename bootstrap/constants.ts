/** Limits of what a relay serves and writes for its operator. docs/LIMITS.md gives the reasons. */

const second = 1_000
const minute = 60 * second
const KIB = 1_024

/** Connections to the metrics at the same time: a scraper, a health check, a person, and room for each to come twice. */
export const MAX_METRICS_CONNECTIONS = 16
/** A request of a scraper has a few hundred bytes of headers. */
export const MAX_METRICS_HEADERS = 8 * KIB
/** To say what one wants, and to read the answer. */
export const METRICS_TIMEOUT = 5 * second
/** How often the server looks for those that take longer. */
export const METRICS_CHECK_INTERVAL = 1 * second

/** How often the event loop is looked at, and over how long a time its delays are summed up. */
export const LOOP_RESOLUTION = 50
export const LOOP_WINDOW = 10 * second
/** In seconds: when turns take this long on average, those who ask for something give up before they are answered. */
export const SICK_LOOP_DELAY = 1

/** Bytes of JSON of one list in the status. All six of them go into one answer, which is a line of at most 1 MiB. */
export const MAX_STATUS_LIST = 160 * KIB

/** How often refused reservations are told, and how often the figures. */
export const REFUSALS_INTERVAL = 1 * minute
export const FIGURES_INTERVAL = 60 * minute
/** Files that are open besides connections: the store, the log, listeners, Node's own. */
export const SPARE_DESCRIPTORS = 128
