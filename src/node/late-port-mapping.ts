import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { leavesTheSite } from './gater.ts'
import type { PeerInit } from './index.ts'
import { boundPort } from './listen.ts'
import type { Grant, PortMapper, PortMapperInit, PortMappingView } from './port-mapping/index.ts'
import type { Preset } from './presets.ts'

interface PortMappingComponents {
  addressManager: AddressManager
  transportManager: TransportManager
  logger: ComponentLogger
}

type Load = (init: PortMapperInit) => Promise<PortMapper>

/** The port mapping of a peer that runs already: nobody waits for a router, and most peers ask none. */
export class LatePortMapping {
  readonly #components: PortMappingComponents
  readonly #load: Load
  readonly #log: Logger
  #mapper: PortMapper | undefined
  #started = false
  /** Starts and stops happen one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor(components: PortMappingComponents, load: Load) {
    this.#components = components
    this.#load = load
    this.#log = components.logger.forComponent('p2pnode:port-mapping')
  }

  /**
   * None for who stays on this network, and for who says himself under which addresses he is reached.
   *
   * @param known - addresses that it was given to dial, those of relays among them
   */
  static create(
    { portMapper: load }: Preset,
    { announce = [], offline = false, upnp }: PeerInit,
    components: PortMappingComponents,
    known: readonly Multiaddr[],
  ): LatePortMapping | undefined {
    if (load === undefined || offline || announce.length > 0 || !(upnp ?? known.some(leavesTheSite))) return undefined
    return new LatePortMapping(components, load)
  }

  /** Resolves when the routers were asked once, whatever they said. */
  start(): Promise<void> {
    this.#started = true
    return this.#inTurn(async () => {
      if (!this.#started) return
      this.#mapper ??= await this.#load({
        portAt: (address) => this.#portAt(address),
        announce: (grant) => this.#announce(grant),
        withdraw: (grant) => this.#withdraw(grant),
        log: this.#log,
      })
      if (this.#started) return this.#mapper.start()
    })
  }

  async stop(): Promise<void> {
    this.#started = false
    await this.#mapper?.stop()
    await this.#inTurn(async () => this.#mapper?.stop())
  }

  /** See `PortMapper.moved`. */
  moved(): void {
    this.#mapper?.moved()
  }

  view(): { portMapping: PortMappingView } {
    return { portMapping: this.#mapper?.view() ?? {} }
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step).catch((error: unknown) => this.#log.error('a defect of the port mapping - %e', error))
    return this.#turn
  }

  #portAt(address: string): number | undefined {
    const own = this.#components.transportManager.getAddrs().filter((each) => each.getComponents()[0]?.value === address)
    return boundPort(own)
  }

  #announce({ internal, external }: Grant): void {
    const { addressManager } = this.#components
    addressManager.addPublicAddressMapping(internal.address, internal.port, external.address, external.port, 'tcp')
    // libp2p would have others say first that they reach it.
    addressManager.confirmObservedAddr(multiaddr(`/ip4/${external.address}/tcp/${external.port}`), { type: 'ip-mapping' })
  }

  #withdraw({ internal, external }: Grant): void {
    const { addressManager } = this.#components
    addressManager.removePublicAddressMapping(internal.address, internal.port, external.address, external.port, 'tcp')
  }
}
