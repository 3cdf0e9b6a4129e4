import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconMoon, IconSun } from '@tabler/icons-react'
import { useEffect, useRef, type ReactNode } from 'react'

/** The heading while a page is still asking the server. */
export const loading = 'One moment …'

/** What the page was about last. Each state of a page is a Shell of its own. */
let lastHeading: string | undefined

interface ShellProps {
  /** The page's one first heading; when it becomes another, readers are taken to it. */
  readonly heading: string
  readonly lead?: ReactNode
  readonly children?: ReactNode
}

/** What every page has around it. */
export function Shell({ heading, lead, children }: ShellProps) {
  const title = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // A page that has just come begins at its beginning, as readers expect of it.
    if (lastHeading !== undefined && lastHeading !== loading && lastHeading !== heading) {
      title.current?.focus()
      window.scrollTo(0, 0)
    }
    lastHeading = heading
  }, [heading])
  return (
    <div className="frame">
      <a className="skip" href="#content" onClick={skipToContent}>
        Skip to the content
      </a>
      <header className="bar">
        <img src="./icon.svg" alt="" />
        <span className="where">{globalThis.location.host}</span>
        <SchemeToggle />
      </header>
      <main id="content" tabIndex={-1}>
        <h1 ref={title} tabIndex={-1}>
          {heading}
        </h1>
        {lead === undefined ? null : <p className="lead">{lead}</p>}
        {children}
      </main>
      <footer>
        <a href="docs">How access to this server works</a>
      </footer>
    </div>
  )
}

/** By hand: the fragment of the address is a key, and stays. */
function skipToContent(event: { preventDefault: () => void }): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#content')?.focus()
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const label = isDark ? 'Light colours' : 'Dark colours'
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      {isDark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
    </ActionIcon>
  )
}
