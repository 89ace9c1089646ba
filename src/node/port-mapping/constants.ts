/** Limits of what a router is asked, and of what is read of its answers. docs/LIMITS.md gives the reasons at length. */
import { minute, second } from '../constants.ts'

/** What is asked for, in seconds (RFC 6886 section 3.3); a router may grant less. */
export const LIFETIME = 7_200
/** A router that was switched off and on has forgotten: it is asked again this often, or when half of what it granted is over. */
export const RENEW_INTERVAL = 15 * minute
export const MIN_RENEW_INTERVAL = 1 * minute
/** The pause after nothing was given; it doubles up to the second figure. */
export const FIRST_PAUSE = 1 * minute
export const LAST_PAUSE = 30 * minute
/** All that is done to get one. */
export const ATTEMPT_TIMEOUT = 15 * second
/** To give it back when the peer stops. */
export const RELEASE_TIMEOUT = 2 * second

/** Routers that are asked: machines with more than one way out have more. */
export const MAX_ROUTES = 4
/** Bytes of a list of routes that are read. */
export const MAX_ROUTE_TABLE = 64 * 1024

/** NAT-PMP: the first wait for an answer, doubled with each of so many requests (RFC 6886 section 3.1 has nine: a minute). */
export const PMP_FIRST_WAIT = 0.25 * second
export const PMP_REQUESTS = 4

/** UPnP: a router has so long to say where it is; what it is asked is sent twice. */
export const SEARCH_TIMEOUT = 2.5 * second
export const SEARCH_REPEAT = 1 * second
/** Bytes of one answer that are looked at; answers. */
export const MAX_SEARCH_ANSWER = 2_048
export const MAX_SEARCH_ANSWERS = 64
/** One request to a router over HTTP. */
export const HTTP_TIMEOUT = 5 * second
export const MAX_HTTP_BODY = 128 * 1024
export const MAX_HTTP_HEADERS = 8 * 1024
/** XML of a router: how deep, how many elements. */
export const MAX_XML_DEPTH = 32
export const MAX_XML_ELEMENTS = 4_096
/** Services of a router that are asked for its address. */
export const MAX_SERVICES = 4
/** External ports that are tried, the first the same as inside; the others at random from here on. */
export const MAX_PORT_TRIES = 4
export const FIRST_RANDOM_PORT = 49_152
export const LAST_PORT = 65_535
