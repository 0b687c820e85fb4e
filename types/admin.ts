// What a session as admin may do, from TABLES and FUNCTIONS. Written by `make types`; `make test` compares it.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  public: {
    Tables: {
      leads: {
        Row: {
          id: string;
          name: string;
          email: string;
          company: string | null;
          message: string;
          source: "contact_form" | "referral" | "event" | "other";
          status: "new" | "contacted" | "qualified" | "proposal" | "won" | "lost";
          assigned_to: string | null;
          notes: string | null;
          created_at: string;
          updated_at: string;
          version: number;
        };
        Insert: {
          name: string;
          email: string;
          company?: string | null;
          message?: string;
          source?: "contact_form" | "referral" | "event" | "other";
          assigned_to?: string | null;
          notes?: string | null;
        };
        Update: {
          name?: string;
          email?: string;
          company?: string | null;
          source?: "contact_form" | "referral" | "event" | "other";
          status?: "new" | "contacted" | "qualified" | "proposal" | "won" | "lost";
          assigned_to?: string | null;
          notes?: string | null;
        };
        Relationships: [];
      };
      contact_tickets: {
        Row: {
          id: string;
          owner_id: string;
          author_id: string;
          kind: "support" | "billing" | "security" | "procurement" | "other";
          subject: string;
          status: "open" | "pending" | "solved" | "closed";
          priority: "low" | "normal" | "high" | "urgent";
          assigned_to: string | null;
          created_at: string;
          updated_at: string;
          version: number;
          resolution: string | null;
          merged_into: string | null;
        };
        Insert: {
          owner_id?: string;
          kind?: "support" | "billing" | "security" | "procurement" | "other";
          subject: string;
          priority?: "low" | "normal" | "high" | "urgent";
          assigned_to?: string | null;
        };
        Update: {
          kind?: "support" | "billing" | "security" | "procurement" | "other";
          subject?: string;
          status?: "open" | "pending" | "solved" | "closed";
          priority?: "low" | "normal" | "high" | "urgent";
          assigned_to?: string | null;
          resolution?: string | null;
        };
        Relationships: [];
      };
      ticket_messages: {
        Row: {
          id: string;
          ticket_id: string;
          owner_id: string;
          author_id: string;
          author_kind: "customer" | "staff";
          body: string;
          internal: boolean;
          created_at: string;
          updated_at: string;
          version: number;
        };
        Insert: {
          ticket_id: string;
          body: string;
          internal?: boolean;
        };
        Update: {
          body?: string;
          internal?: boolean;
        };
        Relationships: [
          {
            foreignKeyName: "ticket_messages_ticket";
            columns: ["ticket_id"];
            isOneToOne: false;
            referencedRelation: "contact_tickets";
            referencedColumns: ["id"];
          },
        ];
      };
      chat_threads: {
        Row: {
          id: string;
          owner_id: string;
          author_id: string;
          topic: string;
          status: "open" | "closed";
          created_at: string;
          updated_at: string;
          version: number;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      chat_messages: {
        Row: {
          id: string;
          thread_id: string;
          owner_id: string;
          author_id: string;
          author_kind: "customer" | "staff";
          body: string | null;
          created_at: string;
          updated_at: string;
          version: number;
          retracted_at: string | null;
        };
        Insert: {
          thread_id: string;
          body?: string | null;
        };
        Update: {
          body?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "chat_messages_thread";
            columns: ["thread_id"];
            isOneToOne: false;
            referencedRelation: "chat_threads";
            referencedColumns: ["id"];
          },
        ];
      };
      team_activities: {
        Row: {
          id: number;
          occurred_at: string;
          actor_id: string;
          actor_role: string;
          session_id: string | null;
          database_role: string;
          action: string;
          entity: string;
          entity_id: string;
          owner_id: string | null;
          before: Json | null;
          after: Json | null;
          salt: string | null;
          values_hash: string;
          request_id: string | null;
          erased_at: string | null;
          actor_kind: string;
          actor_name: string | null;
          reason: string | null;
          purpose: string | null;
          filter: string | null;
          row_count: number | null;
          row_hash: string | null;
          internal: boolean;
          route: string | null;
          login_role: string;
          out_of_band: boolean;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      request_log: {
        Row: {
          id: number;
          occurred_at: string;
          request_id: string;
          client_request_id: string | null;
          method: string;
          route: string;
          who: string;
          actor_id: string | null;
          session_id: string | null;
          owner_id: string | null;
          impersonator_id: string | null;
          outcome: "allowed" | "refused" | "failed";
          status: number | null;
          code: string | null;
          duration_ms: number | null;
          upstream_ms: number | null;
          row_count: number | null;
          colo: string | null;
          country: string | null;
          token_id: string | null;
          address_hash: string | null;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      request_log_rejected: {
        Row: {
          id: string;
          received_at: string;
          tried_at: string | null;
          content: string;
          code: string;
          message: string;
          request_id: string | null;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      revoked_sessions: {
        Row: {
          subject: string;
          reason: string;
          revoked_by: string;
          revoked_at: string;
          expires_at: string;
          cause: "banned" | "deleted" | "ended" | "leaked" | "locked" | "membership" | "role" | "staff";
          scope: string;
          role: string | null;
          issued_until: string | null;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      webhook_messages: {
        Row: {
          sender: string;
          message_id: string;
          event: string;
          happened_at: string;
          received_at: string;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
      checks: {
        Row: {
          id: number;
          ran_at: string;
          name: "catalog" | "drift" | "out_of_band" | "retention";
          passed: boolean;
          looked_at: number;
          findings: Json;
          took_ms: number;
        };
        Insert: Record<string, never>;
        Update: Record<string, never>;
        Relationships: [];
      };
    };
    Views: { [_ in never]: never };
    Functions: {
      erase_user: {
        Args: {
          user_id: string;
          identifiers: string[];
          reason: string;
          other_rows?: number;
        };
        Returns: Json;
      };
      merge_tickets: {
        Args: {
          ticket: string;
          target: string;
          version: number;
        };
        Returns: number;
      };
      move_lead: {
        Args: {
          lead: string;
          status: string;
          version: number;
          reason?: string;
        };
        Returns: number;
      };
      move_ticket: {
        Args: {
          ticket: string;
          status: string;
          version: number;
          resolution?: string;
          reason?: string;
        };
        Returns: number;
      };
      retract_message: {
        Args: {
          message: string;
        };
        Returns: number;
      };
      retry_rejected_requests: {
        Args: {
          reason: string;
          discard?: string[];
        };
        Returns: Json;
      };
      revoke_sessions: {
        Args: {
          person: string;
          reason: string;
        };
        Returns: Json;
      };
      search_tickets: {
        Args: {
          words: string;
        };
        Returns: {
          id: string;
          owner_id: string;
          author_id: string;
          kind: "support" | "billing" | "security" | "procurement" | "other";
          subject: string;
          status: "open" | "pending" | "solved" | "closed";
          priority: "low" | "normal" | "high" | "urgent";
          assigned_to: string | null;
          created_at: string;
          updated_at: string;
          version: number;
          resolution: string | null;
          merged_into: string | null;
        }[];
        SetofOptions: { from: "*"; to: "contact_tickets"; isOneToOne: false; isSetofReturn: true };
      };
      who_am_i: {
        Args: never;
        Returns: Json;
      };
    };
    Enums: { [_ in never]: never };
    CompositeTypes: { [_ in never]: never };
  };
};
