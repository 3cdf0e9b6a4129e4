import { createTheme, MantineProvider } from '@mantine/core'
import { StrictMode, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import './styles.css'

const theme = createTheme({ primaryColor: 'teal', defaultRadius: 'md' })

/**
 * Shows a page. Its styles are files alone: the pages' Content-Security-Policy lets nothing be written into them, so the library may not either.
 */
export function mount(page: ReactNode): void {
  const root = document.querySelector('#root')
  if (root === null) throw new Error('the page has no #root')
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
        {page}
      </MantineProvider>
    </StrictMode>,
  )
}
