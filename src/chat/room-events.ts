import type { Held, Member, MemberChange, Message } from './types.ts'
import type { Warning } from './warnings.ts'

export interface RoomEvents {
  message: CustomEvent<Message>
  /** Who holds a message of our own has changed: told of the newest 50, all that changed at once, at most twice a second. */
  delivery: CustomEvent<{ id: string } & Held>
  member: CustomEvent<{ member: Member; change: MemberChange }>
  sync: CustomEvent<{ state: 'running' | 'done'; count: number; digest: string }>
  typing: CustomEvent<{ member: Member }>
  reject: CustomEvent<{ reason: string; peerId: string }>
  warning: CustomEvent<Warning>
}
