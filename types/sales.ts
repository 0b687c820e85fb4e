// What a session as sales may do, from TABLES and FUNCTIONS. Written by `make types`; `make test` compares it.

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
        Insert: Record<string, never>;
        Update: Record<string, never>;
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
        Insert: Record<string, never>;
        Update: Record<string, never>;
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
    };
    Views: { [_ in never]: never };
    Functions: {
      move_lead: {
        Args: {
          lead: string;
          status: string;
          version: number;
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
