/** @jsxImportSource react */
// GraphiQL on Tidings' own schema, served whole by Tidings, with the token of who is signed in.
import './workers.ts';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './style.css';
import { Account } from './account.tsx';
import { Credentials } from './credentials.ts';
import { EXAMPLE } from './example.graphql.ts';

function Playground() {
  const [version, setVersion] = useState(0);
  const credentials = useMemo(() => new Credentials(() => setVersion(before => before + 1)), []);
  const who = credentials.who;

  // Another viewer gets another fetcher, and with it the schema and subscriptions anew.
  const { fetcher, client } = useMemo(() => {
    const client = createClient({
      url: `${location.origin.replace(/^http/, 'ws')}/graphql/ws`,
      lazy: true,
      connectionParams: () => credentials.authorization(),
    });
    const fetcher = createGraphiQLFetcher({
      url: '/graphql',
      wsClient: client,
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers);
        // A header that was written in the editor counts more.
        for (const [name, value] of Object.entries(await credentials.authorization())) {
          if (!headers.has(name)) headers.set(name, value);
        }
        return fetch(input, { ...init, headers });
      },
    });
    return { fetcher, client };
  }, [credentials, version]);
  useEffect(() => () => void client.dispose(), [client]);

  return (
    <>
      <Account credentials={credentials} who={who} />
      <GraphiQL key={who ?? ''} fetcher={fetcher} defaultQuery={EXAMPLE} defaultEditorToolsVisibility={false}>
        <GraphiQL.Logo>
          <a href="/" className="playground-logo">
            Tidings
          </a>
        </GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

const root = document.getElementById('app');
if (root) createRoot(root).render(<Playground />);
