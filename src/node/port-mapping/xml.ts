import sax from 'sax'
import { MAX_XML_DEPTH, MAX_XML_ELEMENTS } from './constants.ts'

/**
 * What stands in each element called `name`: the texts of the elements in it that hold text, by their names, in lower case and without
 * prefixes. Entities other than XML's own stay as they are: nothing that a document declares is expanded.
 *
 * @throws Error when it is too deep, has too many elements, or is no XML at all
 */
export function readXml(xml: string, name: string): ReadonlyMap<string, string>[] {
  const found: Map<string, string>[] = []
  /** Of those elements, the ones that are open; their depths. */
  const open: { depth: number; texts: Map<string, string> }[] = []
  let [depth, count, text] = [0, 0, '']
  // Not strict: routers write what their makers took for XML.
  const reader = sax.parser(false, { lowercase: true, trim: true })
  reader.onerror = (error) => {
    throw new Error('the router answers with what is no XML', { cause: error })
  }
  reader.onopentag = (tag) => {
    if (++depth > MAX_XML_DEPTH || ++count > MAX_XML_ELEMENTS) throw new Error('the router answers with too much')
    text = ''
    if (localName(tag.name) === name) open.push({ depth, texts: new Map() })
  }
  reader.ontext = (more) => {
    text += more
  }
  reader.onclosetag = (tag) => {
    const innermost = open.at(-1)
    if (innermost?.depth === depth) {
      open.pop()
      found.push(innermost.texts)
    }
    for (const { texts } of open) if (text !== '') texts.set(localName(tag), text)
    text = ''
    depth--
  }
  reader.write(xml).close()
  return found
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)
